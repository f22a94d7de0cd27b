"""A signed feed, judged by other programs than made it."""

import base64
import hashlib
import os
import shutil
import subprocess
import sys

import pytest

from openwrt.packaging.apk import filename
from openwrt.packaging.deflate import quick
from openwrt.packaging.feed import feed
from openwrt.packaging.keys import KeyFileError, make_keys, read_keys
from tests.openwrt.apk_reader import read
from tests.openwrt.test_packages import ROOT

pytestmark = [
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed"),
]


@pytest.fixture(scope="module")
def signed(packages, tmp_path_factory):
    """A folder with a feed of one package."""
    folder = tmp_path_factory.mktemp("feed")
    make_keys(str(folder / "keys"))
    for name, octets in feed([packages["roamd-agent"]], quick, read_keys(str(folder / "keys"))).items():
        (folder / name).write_bytes(octets)
    return folder


def lines(path):
    comment, text = path.read_text().splitlines()
    assert comment.startswith("untrusted comment: ")
    octets = base64.b64decode(text, validate=True)
    assert octets[:2] == b"Ed"
    return octets[2:10], octets[10:]


def openssl(folder, public, signature, message, *more):
    for name, octets in (("public", public), ("signature", signature), ("message", message)):
        (folder / name).write_bytes(octets)
    words = ["-verify", "-pubin", "-inkey", "public", "-sigfile", "signature", "-in", "message", "-rawin"]
    done = subprocess.run(["openssl", "pkeyutl", *words, *more], cwd=folder, capture_output=True, check=False)
    return done.returncode == 0


def pem(der):
    return b"-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(der) + b"-----END PUBLIC KEY-----\n"


def test_openssl_believes_the_index_of_opkg_and_no_other(signed, tmp_path):
    (number, key), (signer, signature) = lines(signed / "roamd.pub"), lines(signed / "Packages.sig")
    assert number == signer and len(key) == 32 and len(signature) == 64
    public = pem(bytes.fromhex("302a300506032b6570032100") + key)
    index = (signed / "Packages").read_bytes()
    assert openssl(tmp_path, public, signature, index)
    assert not openssl(tmp_path, public, signature, index + b"\n")


@pytest.mark.skipif(shutil.which("signify-openbsd") is None, reason="signify-openbsd is not installed")
def test_signify_believes_the_index_of_opkg_and_no_other(signed, tmp_path):
    words = ["signify-openbsd", "-V", "-q", "-p", "roamd.pub", "-x", "Packages.sig", "-m"]
    assert subprocess.run([*words, "Packages"], cwd=signed, check=False).returncode == 0
    (tmp_path / "other").write_bytes((signed / "Packages").read_bytes()[:-1])
    done = subprocess.run([*words, str(tmp_path / "other")], cwd=signed, capture_output=True, check=False)
    assert done.returncode != 0


@pytest.mark.parametrize("name", ["packages.adb", "roamd-agent"])
def test_openssl_believes_what_apk_would_check(packages, signed, tmp_path, name):
    """The digest is over schema, head and hash of the database, so no block can be put under another one."""
    name = filename(packages[name]) if name in packages else name
    found = read((signed / name).read_bytes())
    (signature,) = found.signatures
    head, signature = signature[:18], signature[18:]
    public = (signed / "roamd.pem").read_bytes()
    der = base64.b64decode(b"".join(public.splitlines()[1:-1]))
    assert head == b"\0\4" + hashlib.sha512(der[-65:]).digest()[:16]
    message = found.schema + head + hashlib.sha512(found.payload).digest()
    assert len(message) == 86
    assert openssl(tmp_path, public, signature, message, "-digest", "sha512")
    other = found.schema + head + hashlib.sha512(found.payload + b"\0").digest()
    assert not openssl(tmp_path, public, signature, other, "-digest", "sha512")


def test_a_key_file_is_secret_and_never_written_over(signed):
    assert (signed / "keys").stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        make_keys(str(signed / "keys"))


def test_a_file_that_is_no_key_is_named(tmp_path):
    (tmp_path / "none").write_text("nothing")
    with pytest.raises(KeyFileError, match="none: expected two private keys"):
        read_keys(str(tmp_path / "none"))
    words = ["-m", "openwrt.packaging", "build", str(tmp_path / "dist"), "--key", str(tmp_path / "missing")]
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "missing" in done.stderr and not os.path.exists(tmp_path / "dist")
