"""A machine with USB modems: a sysfs tree of the real shape in a folder, and pseudo-terminals in place of ports."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import threading
import time
import tty

BUS = "devices/pci0000:00/0000:00:14.0/usb1"


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(f"{text}\n")


def link(path, target):
    """A relative link to a folder, as sysfs has them."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.makedirs(target, exist_ok=True)
    os.symlink(os.path.relpath(target, os.path.dirname(path)), path)


class Tree:
    """A sysfs under `root`."""

    def __init__(self, root):
        self.root = str(root)

    def device(self, place, vendor, identity, number=1, **texts):
        """A USB device at `1-1.2`: below its hub, as the kernel has it."""
        bus, _, route = place.partition("-")
        steps = route.split(".")
        parents = [f"{bus}-{'.'.join(steps[: i + 1])}" for i in range(len(steps))]
        path = os.path.join(self.root, BUS, *parents)
        for name, value in (
            ("idVendor", f"{vendor:04x}"),
            ("idProduct", f"{identity:04x}"),
            ("devnum", number),
        ):
            write(f"{path}/{name}", value)
        for name, text in texts.items():
            write(f"{path}/{name}", text)
        link(f"{path}/subsystem", f"{self.root}/bus/usb") if not os.path.islink(f"{path}/subsystem") else None
        return path

    def interface(self, device, number, driver, triple=(0xFF, 0, 0)):
        path = f"{device}/{os.path.basename(device)}:1.{number}"
        write(f"{path}/bInterfaceNumber", f"{number:02x}")
        for word, value in zip(("Class", "SubClass", "Protocol"), triple, strict=True):
            write(f"{path}/bInterface{word}", f"{value:02x}")
        link(f"{path}/driver", f"{self.root}/bus/usb/drivers/{driver}")
        return path

    def usb_serial(self, device, number, name, driver="option", triple=(0xFF, 0, 0)):
        """`ttyUSB2`: the port is a device of its own between interface and tty."""
        port = f"{self.interface(device, number, driver, triple)}/{name}"
        write(f"{port}/port_number", 0)
        write(f"{port}/tty/{name}/dev", f"188:{number}")
        link(f"{port}/driver", f"{self.root}/bus/usb-serial/drivers/{driver}1")
        link(f"{port}/tty/{name}/device", port)
        link(f"{self.root}/class/tty/{name}", f"{port}/tty/{name}")

    def acm(self, device, number, name):
        interface = self.interface(device, number, "cdc_acm", (2, 2, 1))
        write(f"{interface}/tty/{name}/dev", f"166:{number}")
        link(f"{interface}/tty/{name}/device", interface)
        link(f"{self.root}/class/tty/{name}", f"{interface}/tty/{name}")

    def network(self, device, number, name, driver="qmi_wwan", control=None):
        interface = self.interface(device, number, driver, (0xFF, 0xFF, 0xFF))
        write(f"{interface}/net/{name}/ifindex", 7)
        link(f"{self.root}/class/net/{name}", f"{interface}/net/{name}")
        if control is not None:
            write(f"{interface}/usbmisc/{control}/dev", "180:0")
            link(f"{self.root}/class/usbmisc/{control}", f"{interface}/usbmisc/{control}")

    def remove(self, device):
        """The device, and the links of classes to it."""
        for group in ("tty", "net", "usbmisc", "wwan"):
            folder = f"{self.root}/class/{group}"
            for name in os.listdir(folder) if os.path.isdir(folder) else ():
                if os.path.realpath(f"{folder}/{name}").startswith(f"{device}/"):
                    os.unlink(f"{folder}/{name}")
        for path, folders, files in os.walk(device, topdown=False):
            for name in (*files, *folders):
                place = f"{path}/{name}"
                os.unlink(place) if os.path.islink(place) or name in files else os.rmdir(place)
        os.rmdir(device)


class Mute:
    """A port that never answers, and remembers what was written to it."""

    period = None
    says = b""

    def __init__(self):
        self.heard = b""
        self._next = None if self.period is None else time.monotonic()

    def feed(self, data, now):
        self.heard += data

    def output(self, now):
        if self._next is None or now < self._next:
            return b""
        self._next = now + self.period
        return self.says

    def next_wake(self):
        return self._next


class Receiver(Mute):
    """A GNSS receiver: a sentence a second."""

    period = 1.0
    says = b"$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n"


class Diagnostic(Mute):
    """Frames of a diagnostic port."""

    period = 0.2
    says = b"\x10\x00\x12\x00\x12\x00\x00\x60\x8a\x01\x7e"


class Flood(Mute):
    """As much as the line takes."""

    period = 0.0
    says = b"\r\n+NOISE: 1,2,3\r\n" * 200


class Machine:
    """Plug modems in and pull them out while a thread serves their ports."""

    def __init__(self, folder):
        self.sysfs, self.dev = f"{folder}/sys", f"{folder}/dev"
        os.makedirs(self.dev)
        self.tree = Tree(self.sysfs)
        self._served = {}
        self._places = {}
        self._number = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def plug(self, place, vendor, product, talkers, first=0, network=None, kind="ttyUSB"):
        """`talkers`: by interface number, who speaks there; ports are numbered from `first` on."""
        self._number += 1
        device = self.tree.device(place, vendor, product, self._number)
        names = {}
        for number, interface in enumerate(sorted(talkers), first):
            name = names[interface] = f"{kind}{number}"
            self._port(name, talkers[interface])
            add = self.tree.usb_serial if kind == "ttyUSB" else self.tree.acm
            add(device, interface, name)
        if network is not None:
            self.tree.network(device, max(talkers) + 1, network)
        self._places[place] = (device, list(names.values()))
        return names

    def unplug(self, place):
        device, names = self._places.pop(place)
        self.tree.remove(device)
        for name in names:
            self._pull(name)

    def silence(self, place):
        """Its modem hangs: ports stay, and nobody answers."""
        for name in self._places[place][1]:
            with self._lock:
                self._served[name] = (*self._served[name][:2], Mute())

    def close(self):
        self._stop.set()
        self._thread.join()
        for name in list(self._served):
            self._pull(name)

    def _port(self, name, talker):
        master, slave = pty.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        os.symlink(os.ttyname(slave), f"{self.dev}/{name}")
        with self._lock:
            self._served[name] = (master, slave, talker)

    def _pull(self, name):
        with self._lock:
            master, slave, _ = self._served.pop(name)
            os.unlink(f"{self.dev}/{name}")
            os.close(master)
            os.close(slave)

    def _serve(self):
        while not self._stop.is_set():
            with self._lock:
                masters = {master: talker for master, _, talker in self._served.values()}
                now = time.monotonic()
                for master, talker in masters.items():
                    with contextlib.suppress(BlockingIOError, OSError):
                        talker.feed(os.read(master, 4096), now)
                    data = talker.output(time.monotonic())
                    with contextlib.suppress(BlockingIOError, OSError):
                        os.write(master, data) if data else None
                wakes = [talker.next_wake() for talker in masters.values()]
            wake = min((wake for wake in wakes if wake is not None), default=now + 0.05)
            with contextlib.suppress(OSError, ValueError):
                select.select(list(masters), [], [], max(0.001, min(0.05, wake - time.monotonic())))


def uevent():
    """The kernel tells all who listen that something changed; it is the loopback device, and has not."""
    with open("/sys/class/net/lo/uevent", "w") as file:
        file.write("change")
