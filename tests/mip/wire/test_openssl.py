"""Authenticators as the openssl command line makes them, over ranges cut out by hand."""

import os
import shutil
import subprocess

import pytest

from router.config.model import SecurityAssociation
from router.mip.auth import ALGORITHMS, append, authenticator, is_valid, sign, verify
from router.mip.wire.authentication import MN_AAA, Authentication
from router.mip.wire.message import decode
from tests.mip.wire.golden import COMPOUNDS, EXTENSIONS, MESSAGES

SIZES = {"hmac-md5": 16, "hmac-sha1": 20, "hmac-sha256": 32, "keyed-md5": 16}
KEYS = [b"\x0b" * 16, bytes(range(64)), bytes(range(100)), b"k"]
"""Short, one block, longer than a block, one octet."""


@pytest.fixture(scope="module", autouse=True)
def _installed():
    if shutil.which("openssl") is None:
        if os.environ.get("CI"):
            pytest.fail("openssl must be installed where CI is set")
        pytest.skip("openssl is not installed")


def openssl(algorithm, key, data):
    digest = algorithm.rpartition("-")[2]
    command = ["openssl", "dgst", f"-{digest}", "-binary"]
    if algorithm == "keyed-md5":
        data = key + data + key
    else:
        command += ["-mac", "HMAC", "-macopt", f"hexkey:{key.hex()}"]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def association(algorithm="hmac-md5", key=KEYS[0], spi=0x100):
    return SecurityAssociation(spi, key, algorithm)


@pytest.mark.parametrize("key", KEYS, ids=len)
@pytest.mark.parametrize("algorithm", SIZES)
def test_mobile_home(algorithm, key):
    data = sign(MESSAGES["request"][1], association(algorithm, key))
    size = SIZES[algorithm]
    assert len(data) == 24 + 6 + size
    # 24 octets of fixed part; type, length and SPI of the extension.
    assert data[24:30] == bytes((32, 4 + size, 0, 0, 1, 0))
    assert data[30:] == openssl(algorithm, key, data[:30])
    assert verify(data, decode(data).extensions, association(algorithm, key))


@pytest.mark.parametrize("algorithm", SIZES)
def test_reply_with_extensions_before(algorithm):
    octets = MESSAGES["reply"][1] + EXTENSIONS["nai"][1] + EXTENSIONS["network_explicit"][1]
    data = sign(octets, association(algorithm))
    # 20 + 15 + 10 octets come before.
    assert data[51:] == openssl(algorithm, KEYS[0], data[:51])


@pytest.mark.parametrize("algorithm", SIZES)
def test_mobile_foreign_covers_what_stands_before_it(algorithm):
    home, foreign = association(), association(algorithm, KEYS[1], 0x200)
    data = append(sign(MESSAGES["request"][1], home), 33, foreign)
    # 24 of fixed part, 22 of the first extension, 6 of the second.
    assert data[46:52] == bytes((33, 4 + SIZES[algorithm], 0, 0, 2, 0))
    assert data[52:] == openssl(algorithm, KEYS[1], data[:52])
    assert data[30:46] == openssl("hmac-md5", KEYS[0], data[:30])
    assert verify(data, decode(data).extensions, foreign, 33)


@pytest.mark.parametrize("algorithm", SIZES)
def test_foreign_home_behind_both(algorithm):
    request = sign(MESSAGES["request"][1] + EXTENSIONS["multipath"][1], association())
    data = append(request + EXTENSIONS["gre_key"][1], 34, association(algorithm, KEYS[2], 0x300))
    # 24 + 8 + 22 + 8 octets, then 6.
    assert data[62] == 34
    assert data[68:] == openssl(algorithm, KEYS[2], data[:68])
    assert verify(data, decode(data).extensions, association(algorithm, KEYS[2], 0x300), 34)


@pytest.mark.parametrize("algorithm", SIZES)
def test_mobile_aaa_covers_its_long_header(algorithm):
    request = sign(MESSAGES["request"][1], association()) + EXTENSIONS["challenge"][1]
    data = append(request, 36, association(algorithm, KEYS[1], 0x400), MN_AAA)
    # 24 + 22 + 10 octets; then type, sub-type, length (16 bits) and SPI: 8.
    assert data[56:64] == bytes((36, 1, 0, 4 + SIZES[algorithm], 0, 0, 4, 0))
    assert data[64:] == openssl(algorithm, KEYS[1], data[:64])
    assert verify(data, decode(data).extensions, association(algorithm, KEYS[1], 0x400), 36)


def test_revocation_messages():
    for name, size in (("revocation", 20), ("acknowledgment", 12)):
        data = append(MESSAGES[name][1], 34, association())
        assert data[size + 6 :] == openssl("hmac-md5", KEYS[0], data[: size + 6])


def test_covered_range_of_decoded_extensions_is_the_hand_cut_one():
    _, octets = COMPOUNDS["visiting_request"]
    # NAI 15, tunnel 8, networks 8 + 8, vendor 12, MHAE 22, delivery 2, challenge 10, MN-AAA 24, MFAE 22.
    ends = {32: 24 + 15 + 8 + 8 + 8 + 12 + 6, 36: 24 + 51 + 22 + 2 + 10 + 8, 33: 24 + 51 + 22 + 12 + 24 + 6}
    found = [item for item in decode(octets).extensions if isinstance(item, Authentication)]
    assert {item.type: item.covered for item in found} == ends
    for item in found:
        proof = openssl("hmac-sha1", KEYS[1], octets[: ends[item.type]])
        assert is_valid(octets, item._replace(authenticator=proof), association("hmac-sha1", KEYS[1]))


RFC_2202_MD5 = [
    (b"\x0b" * 16, b"Hi There", "9294727a3638bb1c13f48ef8158bfc9d"),
    (b"Jefe", b"what do ya want for nothing?", "750c783e6ab0b503eaa86e310a5db738"),
    (b"\xaa" * 16, b"\xdd" * 50, "56be34521d144c88dbb8c733f0e8b3f6"),
    (bytes(range(1, 26)), b"\xcd" * 50, "697eaf0aca3a3aea3a75164746ffaa79"),
    (b"\x0c" * 16, b"Test With Truncation", "56461ef2342edc00f9bab995690efd4c"),
    (
        b"\xaa" * 80,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd",
    ),
    (
        b"\xaa" * 80,
        b"Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data",
        "6f630fad67cda0ee1fb1f562db3aa53e",
    ),
]
RFC_2202_SHA1 = [
    (b"\x0b" * 20, b"Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"),
    (b"Jefe", b"what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
    (b"\xaa" * 20, b"\xdd" * 50, "125d7342b9ac11cd91a39af48aa17b4f63f175d3"),
    (bytes(range(1, 26)), b"\xcd" * 50, "4c9007f4026250c6bc8414f9bf50c86c2d7235da"),
    (b"\x0c" * 20, b"Test With Truncation", "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04"),
    (
        b"\xaa" * 80,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "aa4ae5e15272d00e95705637ce8a3b55ed402112",
    ),
    (
        b"\xaa" * 80,
        b"Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data",
        "e8e99d0f45237d786d6bbaa7965c7808bbff1a91",
    ),
]
RFC_4231_SHA256 = [
    (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (bytes(range(1, 26)), b"\xcd" * 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
    (
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    (
        b"\xaa" * 131,
        b"This is a test using a larger than block-size key and a larger than block-size data. "
        b"The key needs to be hashed before being used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ),
]
VECTORS = [
    (algorithm, *case)
    for algorithm, cases in (
        ("hmac-md5", RFC_2202_MD5),
        ("hmac-sha1", RFC_2202_SHA1),
        ("hmac-sha256", RFC_4231_SHA256),
    )
    for case in cases
]


@pytest.mark.parametrize(("algorithm", "key", "data", "wanted"), VECTORS)
def test_published_vectors(algorithm, key, data, wanted):
    assert authenticator(association(algorithm, key), data).hex() == wanted
    assert openssl(algorithm, key, data).hex() == wanted


def test_sizes_are_untruncated():
    assert {name: size for name, (_, size) in ALGORITHMS.items()} == SIZES
