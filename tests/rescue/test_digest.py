"""Digests against CPython's, which has all of them."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openwrt.rescue import digest


@given(st.binary(max_size=300))
def test_md5_is_md5(data):
    assert digest.md5(data) == hashlib.md5(data).digest()


@pytest.mark.parametrize("length", [0, 55, 56, 57, 63, 64, 65, 119, 120, 128])
def test_md5_pads_at_every_edge(length):
    assert digest.md5(b"x" * length) == hashlib.md5(b"x" * length).digest()


@pytest.mark.parametrize("name", ["md5", "sha1", "sha256"])
@given(key=st.binary(min_size=16, max_size=100), data=st.binary(max_size=100))
def test_hmac_is_rfc_2104s(name, key, data):
    assert digest.authenticator(f"hmac-{name}", key, data) == hmac.digest(key, data, name)


def test_a_build_without_md5_has_ours(monkeypatch):
    wanted = hmac.digest(b"k" * 16, b"data", "md5")
    monkeypatch.delattr(hashlib, "md5")
    assert digest.authenticator("hmac-md5", b"k" * 16, b"data") == wanted


def test_what_a_build_lacks_is_said(monkeypatch):
    monkeypatch.delattr(hashlib, "sha1")
    with pytest.raises(ValueError, match="no sha1: install micropython-mbedtls"):
        digest.authenticator("hmac-sha1", b"k" * 16, b"")
    with pytest.raises(ValueError, match="algorithm 'rot13': one of hmac-md5"):
        digest.authenticator("rot13", b"k" * 16, b"")
