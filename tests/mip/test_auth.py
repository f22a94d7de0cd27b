import subprocess
from ipaddress import IPv4Address

import pytest

from router.config.model import SecurityAssociation
from router.mip.auth import authenticator, sign, verify
from router.mip.wire.extension import Unknown
from router.mip.wire.message import decode
from router.mip.wire.registration import RegistrationRequest

KEY = b"\x0b" * 16
REQUEST = RegistrationRequest(600, *map(IPv4Address, ("10.99.0.2", "198.51.100.2", "192.0.2.10")), 7 << 32)


def association(algorithm="hmac-md5", key=KEY, spi=256):
    return SecurityAssociation(spi, key, algorithm)


def test_hmac_md5_as_rfc_2202_case_1():
    assert authenticator(association(), b"Hi There").hex() == "9294727a3638bb1c13f48ef8158bfc9d"


def test_hmac_sha256_as_rfc_4231_case_1():
    found = authenticator(association("hmac-sha256", b"\x0b" * 20), b"Hi There").hex()
    assert found == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"


@pytest.mark.parametrize("algorithm", ["hmac-md5", "hmac-sha256"])
def test_openssl_agrees_on_a_whole_message(algorithm):
    data = sign(REQUEST.encode(), association(algorithm))
    covered = data[:30]  # 24 octets of the request, then type, length and SPI (RFC 5944 section 3.5.1)
    digest = algorithm.removeprefix("hmac-")
    command = ["openssl", "dgst", f"-{digest}", "-mac", "HMAC", "-macopt", f"hexkey:{KEY.hex()}", "-binary"]
    expected = subprocess.run(command, input=covered, capture_output=True, check=True).stdout
    assert data[30:] == expected


@pytest.mark.parametrize("algorithm", ["hmac-md5", "hmac-sha256"])
def test_what_is_signed_is_verified(algorithm):
    data = sign(REQUEST.encode(), association(algorithm))
    assert verify(data, decode(data).extensions, association(algorithm))


def test_every_flipped_bit_is_noticed():
    data = sign(REQUEST.encode(), association())
    for index in range(8 * len(data)):
        forged = bytearray(data)
        forged[index // 8] ^= 1 << index % 8
        message = decode(bytes(forged))
        # The bits r and x are ignored on reception, but covered all the same.
        assert not isinstance(message, RegistrationRequest) or not verify(
            bytes(forged), message.extensions, association()
        )


def test_other_key_other_spi_or_no_authenticator_fail():
    data = sign(REQUEST.encode(), association())
    assert not verify(data, decode(data).extensions, association(key=b"\x0c" * 16))
    assert not verify(data, decode(data).extensions, association(spi=257))
    assert not verify(REQUEST.encode(), REQUEST.extensions, association())


def test_two_authenticators_fail_though_both_are_right():
    once = sign(REQUEST.encode(), association())
    twice = once + once[24:]
    assert not verify(twice, decode(twice).extensions, association())


def test_extensions_behind_the_authenticator_are_not_covered():
    data = sign(REQUEST.encode(), association()) + Unknown(200, b"\xc8\x12of a foreign agent").encode()
    assert verify(data, decode(data).extensions, association())


def test_a_key_never_shows():
    assert "0b0b" not in repr(association())
    assert repr(KEY) not in repr(association())
