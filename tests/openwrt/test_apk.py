"""An .apk, read back by a reader that knows the format on its own."""

import hashlib

import pytest

from openwrt.packaging.adb import Writer, block
from openwrt.packaging.apk import apk, filename, index
from openwrt.packaging.deflate import quick
from openwrt.packaging.package import File, Package
from tests.openwrt import apk_reader

PACKAGE = Package(
    name="demo",
    version="1.2.3-r1",
    title="A demo",
    description="It shows\nthings.",
    licence="Apache-2.0",
    maintainer="nobody",
    url="https://example.org/",
    section="net",
    depends=("python3-light", "kmod-fou"),
    conffiles=("/etc/config/demo",),
    prerm="#!/bin/sh\nrm -f /tmp/demo\n",
    files=(
        File("usr/sbin/demo", 0o755, b"#!/bin/sh\n"),
        File("etc/config/demo", 0o600, b"config demo\n"),
        File("usr/lib/demo/empty.py", 0o644, b""),
        File("usr/lib/demo/big", 0o644, bytes(range(256)) * 300),
    ),
    time=1_700_000_000,
)


def test_what_it_says_of_itself():
    info, _, _, _, _ = apk_reader.package(apk(PACKAGE, quick))
    assert info["name"] == b"demo" and info["version"] == b"1.2.3-r1" and info["arch"] == b"noarch"
    assert info["depends"] == [b"kmod-fou", b"python3-light"]
    assert info["build_time"] == PACKAGE.time and info["installed_size"] == PACKAGE.size
    assert filename(PACKAGE) == "demo-1.2.3-r1.apk"


def test_files_have_their_modes_hashes_and_contents():
    _, files, _, contents, _ = apk_reader.package(apk(PACKAGE, quick))
    for file in PACKAGE.files:
        digest = hashlib.sha256(file.content).digest()
        assert files[file.path] == (file.mode, len(file.content), digest, PACKAGE.time)
        assert contents.get(file.path, b"") == file.content
    assert "usr/lib/demo/empty.py" not in contents


def test_paths_are_sorted_as_apk_looks_them_up():
    _, files, _, contents, _ = apk_reader.package(apk(PACKAGE, quick))
    places = [tuple(path.rpartition("/")[::2]) for path in files]
    assert places == sorted(places)
    assert list(contents) == [path for path in files if files[path][1]]


def test_openwrts_scripts_find_their_lists():
    _, _, scripts, contents, _ = apk_reader.package(apk(PACKAGE, quick))
    where = "lib/apk/packages/demo"
    assert b"/usr/sbin/demo\n" in contents[f"{where}.list"]
    assert contents[f"{where}.conffiles"] == b"/etc/config/demo\n"
    digest = hashlib.sha256(b"config demo\n").hexdigest()
    assert contents[f"{where}.conffiles_static"] == f"/etc/config/demo {digest}\n".encode()
    assert b"default_postinst" in scripts["post_install"] and b"PKG_UPGRADE=1" in scripts["post_upgrade"]
    assert scripts["pre_deinstall"].endswith(b"default_prerm\nrm -f /tmp/demo\n")


def test_its_unique_hash_is_that_of_the_payload_with_zeros_in_its_place():
    info, _, _, _, payload = apk_reader.package(apk(PACKAGE, quick))
    assert len(info["hashes"]) == 20 and payload.count(info["hashes"]) == 1
    assert hashlib.sha256(payload.replace(info["hashes"], bytes(20))).digest()[:20] == info["hashes"]


def test_an_index_names_the_same_hash():
    octets = apk(PACKAGE, quick)
    container = apk_reader.read(index([(PACKAGE, len(octets))], quick))
    assert container.schema == b"indx"
    top = apk_reader.value(container.payload, apk_reader.root(container.payload))
    (one,) = apk_reader.value(container.payload, top[1])
    listed, own = apk_reader.info_of(container.payload, one), apk_reader.package(octets)[0]
    assert listed.pop("file_size") == len(octets)
    assert listed == {name: value for name, value in own.items() if name != "file_size"}


@pytest.mark.parametrize("length", [1, 255, 256, 65535, 65536])
def test_blobs_of_every_width_come_back(length):
    writer = Writer()
    writer.blob(b"odd")
    word = writer.blob(b"x" * length)
    assert apk_reader.value(writer.payload(word), word) == b"x" * length


@pytest.mark.parametrize("number", [0, 1, (1 << 28) - 1, 1 << 28, (1 << 32) - 1])
def test_numbers_of_every_width_come_back(number):
    writer = Writer()
    writer.blob(b"odd")
    word = writer.number(number)
    assert apk_reader.value(writer.payload(word), word) == number


def test_the_octets_of_a_small_payload():
    writer = Writer()
    payload = writer.payload(writer.object({2: writer.text("ab")}))
    assert (
        payload.hex() == "00000000" + "0c0000e0" + "02" + "6162" + "00" + "03000000" + "00000000" + "08000080"
    )


def test_a_block_counts_its_word_and_not_its_padding():
    assert block(2, b"12345").hex() == "09000080" + "3132333435" + "00" * 7
