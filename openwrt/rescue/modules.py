"""Which kernel modules the configured tunnels lack, by the files that loaded and installed ones have.  Decides nothing
of what that means.
"""

from modem.ports.folders import each, exists
from openwrt.rescue import machine, uci

TYPE_CHECKING = False
if TYPE_CHECKING:
    from openwrt.rescue.uci import Section

_NEEDED = {"auto": ("ipip",), "ipip": ("ipip",), "udp": ("ipip", "fou"), "gre": ("ip_gre",)}
"""Modules by option encapsulation."""
_PACKAGES = {"ipip": "kmod-ipip", "fou": "kmod-fou", "ip_gre": "kmod-gre", "tun": "kmod-tun"}


def look(sections: "list[Section]", root: str) -> "list[str]":
    """The packages to install; kmod-tun is among them where the kernel makes none of the tunnels in its place."""
    if uci.find(sections, "mobile_node") is None:
        return []
    missing: list[str] = []
    for kind, _, options in sections:
        if kind == "uplink" and uci.is_on(options, "enabled"):
            for name in _NEEDED.get(uci.value(options, "encapsulation", "auto"), ()):
                if name not in missing and not _is_there(name, root):
                    missing.append(name)
    userspace = uci.value(uci.find(sections, "roamd") or {}, "plane") == "userspace"
    missing = [] if userspace else missing
    if (userspace or "ipip" in missing or "fou" in missing) and not _is_there("tun", root):
        missing.append("tun")
    return [_PACKAGES[name] for name in missing]


def _is_there(name: str, root: str) -> bool:
    """Whether it is loaded, part of the kernel, or a file that is loaded when it is asked for."""
    if exists("%s/sys/module/%s" % (root, name)) or (name == "tun" and exists(root + "/sys/class/misc/tun")):
        return True
    try:
        folder = "%s/lib/modules/%s" % (root, machine.text_of("/proc/sys/kernel/osrelease").strip())
    except OSError:
        return False
    # OpenWrt has all files in one folder, others have folders and a list of them.
    if any(file.startswith(name + ".ko") for file in each(folder)):
        return True
    return any(_lists("%s/modules.%s" % (folder, kind), "/%s.ko" % name) for kind in ("builtin", "dep"))


def _lists(path: str, module: str) -> bool:
    """Line by line: the list of a large kernel does not fit the heap."""
    try:
        with open(path) as file:
            for line in file:
                if module in line.split(":")[0]:
                    return True
    except OSError:
        return False
    return False
