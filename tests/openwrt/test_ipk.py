"""An .ipk, taken apart as opkg does."""

import gzip
import hashlib
import io
import tarfile
from dataclasses import replace

from openwrt.packaging.deflate import quick
from openwrt.packaging.feed import feed
from openwrt.packaging.ipk import control, filename, ipk
from tests.openwrt.test_apk import PACKAGE


def members(octets):
    assert octets[:2] == b"\x1f\x8b" and octets[4:8] == bytes(4)
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(octets))) as tar:
        found = []
        for info in tar:
            assert (info.uid, info.gid, info.mtime) == (0, 0, PACKAGE.time)
            found.append((info.name, info.mode, tar.extractfile(info).read() if info.isfile() else None))
        return found


def inner(octets, name):
    return {path: (mode, content) for path, mode, content in members(dict_of(octets)[name])}


def dict_of(octets):
    return {path: content for path, _, content in members(octets)}


def fields(text):
    return dict(line.split(": ", 1) for line in text.splitlines() if not line.startswith(" "))


def test_three_members_in_opkgs_order():
    assert [name for name, _, _ in members(ipk(PACKAGE, quick))] == [
        "./debian-binary",
        "./data.tar.gz",
        "./control.tar.gz",
    ]
    assert dict_of(ipk(PACKAGE, quick))["./debian-binary"] == b"2.0\n"


def test_files_and_the_folders_on_the_way():
    data = inner(ipk(PACKAGE, quick), "./data.tar.gz")
    for file in PACKAGE.files:
        assert data[f"./{file.path}"] == (file.mode, file.content)
    assert data["./usr/lib/demo"] == (0o755, None)
    assert list(data) == sorted(data)


def test_control():
    found = inner(ipk(PACKAGE, quick), "./control.tar.gz")
    said = fields(found["./control"][1].decode())
    assert said["Package"] == "demo" and said["Version"] == "1.2.3-r1" and said["Architecture"] == "all"
    assert said["Depends"] == "python3-light, kmod-fou"
    size = len(gzip.decompress(dict_of(ipk(PACKAGE, quick))["./data.tar.gz"]))
    assert said["Installed-Size"] == str(size)
    assert "Description: It shows\n things.\n" in found["./control"][1].decode()
    assert found["./conffiles"] == (0o644, b"/etc/config/demo\n")
    assert found["./prerm-pkg"] == (0o755, PACKAGE.prerm.encode())
    assert b"default_postinst $0 $@" in found["./postinst"][1] and found["./postinst"][0] == 0o755
    assert filename(PACKAGE) == "demo_1.2.3-r1_all.ipk"


def test_a_package_without_conffiles_and_prerm_has_no_such_members():
    found = inner(ipk(replace(PACKAGE, conffiles=(), prerm=""), quick), "./control.tar.gz")
    assert "./conffiles" not in found and "./prerm-pkg" not in found


def test_the_index_says_where_each_file_is_and_what_it_hashes_to():
    files = feed([PACKAGE, replace(PACKAGE, name="another", depends=())], quick)
    assert gzip.decompress(files["Packages.gz"]) == files["Packages"]
    stanzas = [fields(stanza) for stanza in files["Packages"].decode().split("\n\n")]
    assert [one["Package"] for one in stanzas] == ["another", "demo"]
    for one in stanzas:
        octets = files[one["Filename"]]
        assert (one["Size"], one["SHA256sum"]) == (str(len(octets)), hashlib.sha256(octets).hexdigest())
        assert one.keys() >= fields(control(PACKAGE)).keys() - {"Depends"}
