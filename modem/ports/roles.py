"""What a port of a modem is for, and which ports may be probed.  Pure.

Runs unchanged on CPython and MicroPython.
"""

from modem import families

TYPE_CHECKING = False
if TYPE_CHECKING:
    from modem.ports.sysfs import Device, Port

__all__ = ("AT", "MODEM", "doubt", "looks_like_modem", "probed", "role_of")

AT, MODEM = "at", "modem"

# Drivers of Linux that serve cellular modems and nothing else.
_DRIVERS = ("option", "qcserial", "sierra", "hso", "nozomi", "ipw")
_HUAWEI = 0x12D1
# Protocol byte of Huawei's vendor-specific interfaces.
_HUAWEI_ROLES = {0x01: MODEM, 0x10: MODEM, 0x02: AT, 0x12: AT, 0x03: "diag", 0x13: "diag", 0x14: "gnss"}
# (class, subclass, protocol) of interfaces as Qualcomm's reference design numbers them.
_QUALCOMM_ROLES = {(0xFF, 0xFF, 0x30): "diag", (0xFF, 0xFF, 0x40): AT, (0xFF, 0xFF, 0x60): "nmea"}


def role_of(device: "Device", port: "Port") -> "str | None":
    """The port's role as `modem.families.Family.roles` names it; None when nothing tells it."""
    if port.kind == "wwan":
        return AT
    if port.kind == "control":
        return "data"
    if device.vendor is None or port.interface is None:
        return None
    roles = families.by_usb(device.vendor, device.product).roles
    for product in (device.product, None):
        role = roles.get(product, {}).get(port.interface)
        if role is not None:
            return role
    triple = port.interface_class or (0, 0, 0)
    if device.vendor == _HUAWEI and triple[0] == 0xFF:
        return _HUAWEI_ROLES.get(triple[2])
    return _QUALCOMM_ROLES.get(triple)


def looks_like_modem(device: "Device") -> bool:
    """Whether the device may be opened without having been named: a GNSS receiver or a board with a USB
    serial converter may take harm from it."""
    if device.networks or any(port.kind != "tty" or port.driver in _DRIVERS for port in device.ports):
        return True
    if device.vendor is None:
        return False
    return (device.vendor, device.product) in families.by_usb(device.vendor, device.product).usb


def doubt(device: "Device", name: str) -> "str | None":
    """What speaks against talking AT on the port of this name, and for which one instead; None when nothing does."""
    roles = {port.name: role_of(device, port) for port in device.ports}
    role = roles.get(name)
    if role in (AT, MODEM, None):
        return None
    better = [port for port, other in roles.items() if other == AT]
    return f"{name} is the modem's {role} port" + (f", its AT port is {better[0]}" if better else "")


def probed(device: "Device") -> "tuple[tuple[str, str | None], ...]":
    """(port, role) of those that may be written to, the likeliest AT port first.

    That is one meant for AT, then one that nothing is known of, then the one that PPP uses.
    """
    roles = [(port.name, role_of(device, port)) for port in device.ports]
    order = (AT, None, MODEM)
    return tuple(sorted((item for item in roles if item[1] in order), key=lambda item: order.index(item[1])))
