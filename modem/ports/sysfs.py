"""Which ports and network devices belong to one modem, as sysfs tells it.

A function of the tree under a root (`/sys`): no device is opened.  What vanishes while it is read is left out.
Runs unchanged on CPython and MicroPython.
"""

import re

from modem.ports.folders import above, base, exists, folders, names, real

__all__ = ("Device", "Port", "devices", "reset_usb")

_TTY = re.compile(r"tty(USB|ACM)\d+$")
_WWAN = re.compile(r"wwan\d+(at|qmi|mbim|xmmrpc|fastboot|firehose)\d+$")
_WWAN_AT = re.compile(r"wwan\d+at")
_WDM = re.compile(r"cdc-wdm\d+$")
_CLASSES = (("tty", _TTY), ("wwan", _WWAN), ("usbmisc", _WDM))
_DEPTH = 8
"""Directories between a device and its network device: `mhi0/mhi0_IP_HW0/net` on PCIe, two on USB."""
_LONGEST = 256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class Port:
    """One character device of a modem."""

    def __init__(
        self,
        name: str,
        kind: str,
        interface: "int | None" = None,
        interface_class: "tuple[int, int, int] | None" = None,
        driver: "str | None" = None,
    ) -> None:
        self.name = name
        """As in /dev: `ttyUSB2`, `ttyACM0`, `wwan0at0`, `cdc-wdm0`."""
        self.kind = kind
        """`tty`, `wwan` (one that speaks AT), or `control` (QMI, MBIM: named only, never opened)."""
        self.interface = interface
        """bInterfaceNumber of the USB interface, None elsewhere."""
        self.interface_class = interface_class
        """(class, subclass, protocol) of that interface."""
        self.driver = driver
        """Kernel driver of the interface: `option`, `qcserial`, `cdc_acm`, ..."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Port) and self._values() == other._values()

    def _values(self) -> "tuple[object, ...]":
        return self.name, self.kind, self.interface, self.interface_class, self.driver


class Device:
    """A USB or PCI device with at least one port."""

    def __init__(
        self,
        name: str,
        bus: str,
        path: str,
        vendor: "int | None",
        product: "int | None",
        serial: "str | None" = None,
        manufacturer: "str | None" = None,
        product_name: "str | None" = None,
        number: "int | None" = None,
        ports: "tuple[Port, ...]" = (),
        networks: "tuple[str, ...]" = (),
    ) -> None:
        self.name = name
        """As on its bus: `1-1.2`, `0000:01:00.0`."""
        self.bus = bus
        """`usb` or `pci`."""
        self.path = path
        """Its folder in sysfs."""
        self.vendor = vendor
        self.product = product
        self.serial = serial
        self.manufacturer = manufacturer
        self.product_name = product_name
        self.number = number
        """USB device number: another one after every enumeration."""
        self.ports = ports
        """In the order of interface and name."""
        self.networks = networks
        """Its network devices."""

    def has(self, port: "str | None") -> bool:
        """Whether a port of this name is the device's."""
        return any(item.name == port for item in self.ports)


def devices(root: str = "/sys") -> "tuple[Device, ...]":
    """Every device that has a port of the kinds above, in the order of bus and place."""
    found: dict[str, list[Port]] = {}
    for group, pattern in _CLASSES:
        folder = f"{root}/class/{group}"
        for name in names(folder):
            if pattern.match(name) is None:
                continue
            place = real(f"{folder}/{name}")
            owner = _owner(place, root)
            if owner is not None:
                found.setdefault(owner, []).append(_port(name, group, place, owner))
    return tuple(sorted((_device(path, ports) for path, ports in found.items()), key=_order))


def reset_usb(device: Device, authorized: bool) -> None:
    """Take the device from its drivers, or give it back: off and on enumerates it anew.  Raises OSError."""
    if device.bus != "usb":
        raise OSError(f"{device.name} is no USB device")
    with open(f"{device.path}/authorized", "w") as file:
        file.write("1" if authorized else "0")


def _owner(place: str, root: str) -> "str | None":
    """The USB device above `place`, or else the PCI device; None for ports of the board itself."""
    top = real(root)
    pci = None
    while len(place) > len(top):
        if exists(f"{place}/idVendor"):
            return place
        if pci is None and _link(f"{place}/subsystem") == "pci":
            pci = place
        place = above(place)
    return pci


def _port(name: str, group: str, place: str, owner: str) -> Port:
    folder = place
    while folder != owner and not exists(f"{folder}/bInterfaceNumber"):
        folder = above(folder)
    on_usb = folder != owner
    triple = tuple(_hex(f"{folder}/bInterface{word}") for word in ("Class", "SubClass", "Protocol"))
    return Port(
        name=name,
        kind=_kind(name, group),
        interface=_hex(f"{folder}/bInterfaceNumber") if on_usb else None,
        interface_class=(triple[0] or 0, triple[1] or 0, triple[2] or 0) if on_usb else None,
        driver=_link(f"{folder}/driver"),
    )


def _kind(name: str, group: str) -> str:
    if group == "wwan":
        return "wwan" if _WWAN_AT.match(name) else "control"
    return "tty" if group == "tty" else "control"


def _device(path: str, ports: "list[Port]") -> Device:
    usb = exists(f"{path}/idVendor")
    vendor, product = ("idVendor", "idProduct") if usb else ("vendor", "device")
    return Device(
        name=base(path),
        bus="usb" if usb else "pci",
        path=path,
        vendor=_hex(f"{path}/{vendor}"),
        product=_hex(f"{path}/{product}"),
        serial=_text(f"{path}/serial"),
        manufacturer=_text(f"{path}/manufacturer"),
        product_name=_text(f"{path}/product"),
        number=_decimal(f"{path}/devnum"),
        ports=tuple(sorted(ports, key=lambda port: (port.interface or 0, _natural(port.name)))),
        networks=tuple(sorted(_networks(path, _DEPTH), key=_natural)),
    )


def _networks(folder: str, depth: int) -> "Iterator[str]":
    """Network devices below, but not those of another USB device behind this one."""
    for name in folders(folder):
        place = f"{folder}/{name}"
        if name == "net":
            yield from names(place)
        elif depth and not exists(f"{place}/idVendor"):
            yield from _networks(place, depth - 1)


def _order(device: Device) -> "tuple[object, ...]":
    return device.bus != "usb", _natural(device.name)


def _natural(name: str) -> "tuple[tuple[int, str], ...]":
    """`ttyUSB10` behind `ttyUSB9`."""
    parts: list[str] = []
    for sign in name:
        if parts and parts[-1][-1].isdigit() == sign.isdigit():
            parts[-1] += sign
        else:
            parts.append(sign)
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in parts)


def _link(path: str) -> "str | None":
    """The name of the folder that a link leads to."""
    return base(real(path)) if exists(path) else None


def _text(path: str) -> "str | None":
    try:
        with open(path, "rb") as file:
            raw = file.read(_LONGEST)
    except OSError:
        return None
    try:
        text = raw.decode()
    except UnicodeError:
        text = "".join([chr(octet) for octet in raw])
    return "".join([sign for sign in text.strip() if sign >= " " and not "\x7f" <= sign < "\xa0"]) or None


def _hex(path: str) -> "int | None":
    """Of `2c7c` and `0x2c7c`."""
    return _whole(_text(path), 16)


def _decimal(path: str) -> "int | None":
    return _whole(_text(path), 10)


def _whole(text: "str | None", radix: int) -> "int | None":
    try:
        return int(text, radix) if text is not None else None
    except ValueError:
        return None
