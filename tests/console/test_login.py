"""Passwords: made, checked and proven, by the RFC's own example and by Python's PBKDF2; and what wrong ones cost."""

import hashlib
from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.console.lockout import Lockout
from router.scram import LEAST_ROUNDS, Verifier, auth_message, prove, salted, verifier_of

SALT = b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")


def test_the_example_of_rfc_7677():
    nonce = "rOprNGfwEbeRWgbNEkqO"
    both = f"{nonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    message = f"n=user,r={nonce},r={both},s={b64encode(SALT).decode()},i=4096,c=biws,r={both}".encode()
    proof, signature = prove(b"pencil", SALT, 4096, message)
    assert b64encode(proof) == b"dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    assert b64encode(signature) == b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


@given(st.binary(max_size=100), st.binary(max_size=40), st.integers(1, 20))
def test_pbkdf2_as_python_has_it(password, salt, rounds):
    assert salted(password, salt, rounds) == hashlib.pbkdf2_hmac("sha256", password, salt, rounds)


def test_a_password_fits_and_is_proven():
    kept = Verifier.parse(str(verifier_of(b"correct horse", SALT, LEAST_ROUNDS)))
    assert kept.fits(b"correct horse")
    assert not kept.fits(b"correct house")
    message = auth_message("mine", "theirs", SALT, LEAST_ROUNDS)
    proof, signature = prove(b"correct horse", SALT, LEAST_ROUNDS, message)
    assert kept.proves(proof, message)
    assert kept.signature(message) == signature
    assert not kept.proves(proof, auth_message("mine", "others", SALT, LEAST_ROUNDS))
    assert not kept.proves(kept.stored, message)
    assert not kept.proves(b"", message)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hunter2",
        "SCRAM-SHA-256$10:AAAA$AAAA:AAAA",
        "SCRAM-SHA-1$4096:AAAA$AAAA:AAAA",
        "SCRAM-SHA-256$x:é$a:b",
    ],
)
def test_what_is_no_verifier_says_what_makes_one(text):
    with pytest.raises(ValueError, match="roamd console --hash") as error:
        Verifier.parse(text)
    assert not text or text not in str(error.value)


def test_a_verifier_is_not_shown():
    assert "stored" not in repr(verifier_of(b"correct horse", SALT, LEAST_ROUNDS))


def test_wrong_passwords_cost_more_and_more():
    lockout, now, waits = Lockout(), 0.0, []
    for _ in range(12):
        lockout.failed(now)
        waits.append(lockout.remaining(now))
        now += waits[-1]
        assert lockout.remaining(now) == 0
    assert waits[:6] == [0, 0, 10, 20, 40, 80]
    assert waits[-1] == 900
    lockout.succeeded()
    lockout.failed(now)
    assert lockout.remaining(now) == 0


def test_a_lockout_is_kept_and_spoilt_ones_are_bounded():
    kept = [""]
    lockout = Lockout(keep=lambda text: kept.append(text))
    for _ in range(3):
        lockout.failed(100.0)
    again = Lockout(kept[-1], 103.0)
    assert (again.failures, again.remaining(103.0)) == (3, 7.0)
    assert Lockout("3 999999999999", 50.0).remaining(50.0) == 900
    for spoilt in ("", "x", "-1 5", "3", "3 nan", "\x00\x00"):
        assert Lockout(spoilt, 0.0).remaining(0.0) == 0
    lockout.succeeded()
    assert Lockout(kept[-1], 103.0).failures == 0
