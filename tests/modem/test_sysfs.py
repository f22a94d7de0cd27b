"""Ports and network devices of a machine, from trees of sysfs's shape."""

import os

import pytest

from modem.ports import sysfs
from modem.ports.roles import doubt, looks_like_modem, probed, role_of
from tests.modem.machine import Tree, link, write


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path / "sys")


def quectel(tree, place="1-1.2", first=0):
    device = tree.device(
        place, 0x2C7C, 0x0125, 5, manufacturer="Quectel", product="EC25\u0000", serial="0123"
    )
    for number in range(4):
        tree.usb_serial(device, number, f"ttyUSB{first + number}")
    tree.network(device, 4, "wwan0", control="cdc-wdm0")
    return device


def test_ports_of_one_device_are_together(tree):
    quectel(tree)
    (found,) = sysfs.devices(tree.root)
    assert (found.name, found.bus, found.vendor, found.product, found.number) == (
        "1-1.2",
        "usb",
        0x2C7C,
        0x0125,
        5,
    )
    assert (found.manufacturer, found.product_name, found.serial) == ("Quectel", "EC25", "0123")
    assert [(port.name, port.kind, port.interface) for port in found.ports] == [
        ("ttyUSB0", "tty", 0),
        ("ttyUSB1", "tty", 1),
        ("ttyUSB2", "tty", 2),
        ("ttyUSB3", "tty", 3),
        ("cdc-wdm0", "control", 4),
    ]
    assert found.ports[2].driver == "option"
    assert found.ports[2].interface_class == (0xFF, 0, 0)
    assert found.networks == ("wwan0",)


def test_two_modems_behind_one_hub_are_two(tree):
    tree.device("1-1", 0x05E3, 0x0610)
    quectel(tree, "1-1.10", first=4)
    second = tree.device("1-1.9", 0x1546, 0x1141)
    tree.acm(second, 0, "ttyACM0")
    found = sysfs.devices(tree.root)
    assert [device.name for device in found] == ["1-1.9", "1-1.10"]
    assert [port.name for port in found[0].ports] == ["ttyACM0"]
    assert found[0].networks == ()
    assert found[1].networks == ("wwan0",)


def test_an_adapter_behind_a_modem_is_not_the_modems_network(tree):
    device = quectel(tree, "1-1")
    behind = tree.device("1-1.4", 0x0B95, 0x1790)
    assert behind.startswith(device)
    tree.network(behind, 0, "eth5", "ax88179_178a")
    assert sysfs.devices(tree.root)[0].networks == ("wwan0",)


def test_a_pcie_modem_of_the_wwan_class(tree):
    device = f"{tree.root}/devices/pci0000:00/0000:00:1c.0/0000:01:00.0"
    write(f"{device}/vendor", "0x17cb")
    write(f"{device}/device", "0x0308")
    link(f"{device}/subsystem", f"{tree.root}/bus/pci")
    link(f"{os.path.dirname(device)}/subsystem", f"{tree.root}/bus/pci")
    for name in ("wwan0", "wwan0at0", "wwan0mbim0"):
        place = f"{device}/mhi0/wwan/wwan0" + (f"/{name}" if name != "wwan0" else "")
        write(f"{place}/uevent", "")
        link(f"{tree.root}/class/wwan/{name}", place)
    write(f"{device}/mhi0/mhi0_IP_HW0/net/mhi_hwip0/ifindex", "9")
    (found,) = sysfs.devices(tree.root)
    assert (found.name, found.bus, found.vendor, found.product) == ("0000:01:00.0", "pci", 0x17CB, 0x0308)
    assert [(port.name, port.kind) for port in found.ports] == [
        ("wwan0at0", "wwan"),
        ("wwan0mbim0", "control"),
    ]
    assert found.networks == ("mhi_hwip0",)
    assert probed(found) == (("wwan0at0", "at"),)


def test_ports_of_the_board_and_consoles_are_no_modems(tree):
    for name in ("ttyS0", "tty1", "console", "ttyUSB9"):
        place = f"{tree.root}/devices/platform/serial8250/tty/{name}"
        write(f"{place}/dev", "4:64")
        link(f"{tree.root}/class/tty/{name}", place)
    assert sysfs.devices(tree.root) == ()


def test_a_machine_without_usb(tmp_path):
    assert sysfs.devices(str(tmp_path)) == ()


@pytest.mark.parametrize("octets", [b"", b"zz\n", b"\xff\xfe\n", b"1" * 5000])
def test_attributes_that_lie_are_unknown_or_cut(tree, octets):
    device = quectel(tree)
    for name in ("idVendor", "devnum", "serial"):
        with open(f"{device}/{name}", "wb") as file:
            file.write(octets)
    (found,) = sysfs.devices(tree.root)
    assert found.number is None or octets.startswith(b"1")
    assert found.serial is None or len(found.serial) <= 256
    probed(found)


def test_a_device_that_goes_while_it_is_looked_at(tree):
    device = quectel(tree)
    tree.remove(device)
    os.makedirs(f"{tree.root}/class/tty", exist_ok=True)
    link(f"{tree.root}/class/tty/ttyUSB0", f"{device}/1-1.2:1.0/ttyUSB0/tty/ttyUSB0")
    assert sysfs.devices(tree.root) == ()


def test_roles_that_the_family_knows(tree):
    quectel(tree)
    (found,) = sysfs.devices(tree.root)
    assert [role_of(found, port) for port in found.ports] == ["diag", "nmea", "at", "modem", "data"]
    assert probed(found) == (("ttyUSB2", "at"), ("ttyUSB3", "modem"))
    assert looks_like_modem(found)


def test_a_port_that_is_not_for_at_is_doubted(tree):
    quectel(tree)
    (found,) = sysfs.devices(tree.root)
    assert doubt(found, "ttyUSB1") == "ttyUSB1 is the modem's nmea port, its AT port is ttyUSB2"
    assert [doubt(found, name) for name in ("ttyUSB2", "ttyUSB3", "ttyUSB9")] == [None, None, None]


def test_roles_that_interface_classes_tell(tree):
    device = tree.device("2-1", 0x12D1, 0x9999)
    for number, protocol in enumerate((0x10, 0x13, 0x12, 0x14)):
        tree.usb_serial(device, number, f"ttyUSB{number}", triple=(0xFF, 2, protocol))
    (found,) = sysfs.devices(tree.root)
    assert probed(found) == (("ttyUSB2", "at"), ("ttyUSB0", "modem"))


@pytest.mark.parametrize("driver", ["ftdi_sio", "pl2303", "ch341", "cp210x"])
def test_a_serial_converter_is_not_taken_for_a_modem(tree, driver):
    device = tree.device("1-3", 0x0403, 0x6001)
    tree.usb_serial(device, 0, "ttyUSB0", driver=driver)
    (found,) = sysfs.devices(tree.root)
    assert not looks_like_modem(found)


def test_nor_is_a_gnss_receiver(tree):
    device = tree.device("1-3", 0x1546, 0x01A8)
    tree.acm(device, 0, "ttyACM0")
    (found,) = sysfs.devices(tree.root)
    assert not looks_like_modem(found)


def test_a_usb_device_is_taken_off_and_put_back(tree):
    device = quectel(tree)
    write(f"{device}/authorized", "1")
    (found,) = sysfs.devices(tree.root)
    for wanted in (False, True):
        sysfs.reset_usb(found, wanted)
        with open(f"{device}/authorized") as file:
            assert file.read() == str(int(wanted))
