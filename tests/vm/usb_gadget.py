"""A USB modem without hardware: dummy_hcd joins a host controller and a device controller in one kernel.

A gadget of configfs (Documentation/usb/gadget_configfs.rst) has ACM functions for AT and one for data; each ACM function
is a /dev/ttyACM* at the host's side, with sysfs, drivers and uevents as a real one, and a /dev/ttyGS* at the modem's side,
where the emulator sits.
"""

from __future__ import annotations

import contextlib
import glob
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType

from router.lab.modem import PERSONALITIES
from router.lab.modem.contexts import Lease
from router.lab.modem.personality import Personality

__all__ = ["DRIVERS", "Bus", "UsbModem"]

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DRIVERS = (
    "libcomposite",
    "dummy_hcd",
    "usb_f_acm",
    "usb_f_ncm",
    "usb_f_ecm",
    "cdc_acm",
    "cdc_ncm",
    "cdc_ether",
)
_CONFIGFS = "/sys/kernel/config"
_GADGETS = f"{_CONFIGFS}/usb_gadget"
_UDC = "/sys/class/udc"
_TTY = "/sys/class/tty"
_PATIENCE = 30.0


class Bus:
    """The controllers, `sockets` of them, as a context: modules, mounts and devices are as before afterwards."""

    def __init__(self, sockets: int = 1) -> None:
        self._sockets = sockets
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Bus:
        with contextlib.ExitStack() as undo:
            if not os.path.ismount(_CONFIGFS):
                _load("configfs", undo)
                _run("mount", "-t", "configfs", "configfs", _CONFIGFS)
                undo.callback(_run, "umount", _CONFIGFS)
            for module in DRIVERS:
                options = [f"num={self._sockets}"] if module == "dummy_hcd" else []
                _load(module, undo, *options)
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    @staticmethod
    def free_controller() -> str:
        """A device controller that no gadget uses."""
        used = {_read(path) for path in glob.glob(f"{_GADGETS}/*/UDC")}
        return next(name for name in sorted(os.listdir(_UDC)) if name not in used)


class UsbModem:
    """An emulated modem on the bus, as a context.

    `ports` ACM functions come first, so that port n has the interface number 2n; the emulator answers on number `at`,
    the others are mute.  `data` is `ncm` or `ecm`.  A reset that the modem is asked for is one on the bus, too.  The modem's
    end of the data link is in a network namespace of its own, `namespace`, with the address of the network's gateway;
    it is up, and the host sees a carrier, while a data session is.
    """

    def __init__(
        self,
        personality: Personality | str = "quectel-ec25",
        *,
        name: str = "modem",
        ports: int = 2,
        at: int = 1,
        data: str = "ecm",
        imei: str | None = None,
        options: tuple[str, ...] = (),
    ) -> None:
        self._who = PERSONALITIES[personality] if isinstance(personality, str) else personality
        self._gadget = f"{_GADGETS}/roamd-{name}"
        self._serial = f"{name}-{os.getpid()}"
        self._ports, self._at, self._data = ports, at, data
        self._options = [*options, *(["--imei", imei] if imei else [])]
        self._undo = contextlib.ExitStack()
        self._controller = ""
        self.namespace = f"roamd-{name}"
        self._process: subprocess.Popen[str] | None = None
        self.plugs = 0
        """How often it was plugged in."""

    def __enter__(self) -> UsbModem:
        with contextlib.ExitStack() as undo:
            self._make(undo)
            self._controller = Bus.free_controller()
            undo.callback(self.unplug)
            self.plug()
            self._isolate(undo)
            self._start_emulator(undo)
            self._undo = undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.close()

    def plug(self) -> None:
        """The host has enumerated it, and all drivers are bound, on return."""
        _write(f"{self._gadget}/UDC", self._controller)
        wait(
            "the modem's ports", lambda: len(self.ttys()) == self._ports and self.network_device() is not None
        )
        self.plugs += 1

    def unplug(self) -> None:
        if _read(f"{self._gadget}/UDC"):
            _write(f"{self._gadget}/UDC", "")
        wait("the device to go", lambda: self.usb_path() is None)

    def tell(self, event: str) -> None:
        """Make something happen to the modem: an event of `router.lab.modem.script` without its time."""
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(event + "\n")
        self._process.stdin.flush()

    def usb_path(self) -> str | None:
        """The device's name in /sys/bus/usb/devices, as the host sees it now."""
        for path in glob.glob("/sys/bus/usb/devices/*/serial"):
            if _read(path) == self._serial:
                return os.path.basename(os.path.dirname(path))
        return None

    def ttys(self) -> list[str]:
        """/dev/ttyACM* by interface number."""
        here = self.usb_path()
        found = glob.glob(f"/sys/bus/usb/devices/{here}:*/tty/ttyACM*") if here else []
        return [f"/dev/{os.path.basename(path)}" for path in sorted(found)]

    def at_tty(self) -> str:
        return self.ttys()[self._at]

    def other_ends(self) -> list[str]:
        """/dev/ttyGS*, the modem's side of its ports."""
        functions = [f"{self._gadget}/functions/acm.{self._name_of(port)}" for port in range(self._ports)]
        return [f"/dev/ttyGS{_read(function + '/port_num')}" for function in functions]

    def network_device(self) -> str | None:
        here = self.usb_path()
        found = glob.glob(f"/sys/bus/usb/devices/{here}:*/net/*") if here else []
        return os.path.basename(found[0]) if found else None

    def _make(self, undo: contextlib.ExitStack) -> None:
        gadget, who = self._gadget, self._who
        english, configuration = f"{gadget}/strings/0x409", f"{gadget}/configs/c.1"
        for folder in (gadget, english, configuration):
            _folder(folder, undo)
        _write(f"{gadget}/idVendor", f"{who.usb[0]:#06x}")
        _write(f"{gadget}/idProduct", f"{who.usb[1]:#06x}")
        _write(f"{english}/manufacturer", who.manufacturer or "Unknown")
        _write(f"{english}/product", who.model)
        _write(f"{english}/serialnumber", self._serial)
        functions = [f"acm.{self._name_of(port)}" for port in range(self._ports)] + [f"{self._data}.0"]
        for function in functions:
            _folder(f"{gadget}/functions/{function}", undo)
            if not function.startswith("acm"):
                # Locally administered: the host calls such a device usb*, not eth*.
                _write(f"{gadget}/functions/{function}/host_addr", "02:00:00:00:01:01")
                _write(f"{gadget}/functions/{function}/dev_addr", "02:00:00:00:01:02")
            link = f"{configuration}/{function}"
            os.symlink(f"{gadget}/functions/{function}", link)
            undo.callback(os.unlink, link)

    @staticmethod
    def _name_of(port: int) -> str:
        return f"port{port}"

    def _isolate(self, undo: contextlib.ExitStack) -> None:
        """Put the modem's end of the data link, which outlives unplugging, out of the host's sight."""
        _run("ip", "netns", "add", self.namespace)
        undo.callback(_run, "ip", "netns", "delete", self.namespace)
        device = _read(f"{self._gadget}/functions/{self._data}.0/ifname")
        _run("ip", "link", "set", device, "netns", self.namespace)
        self._ip = ("ip", "-netns", self.namespace)
        _run(*self._ip, "link", "set", device, "name", "radio")
        _run(*self._ip, "address", "add", f"{Lease.gateway}/24", "dev", "radio")

    def _start_emulator(self, undo: contextlib.ExitStack) -> None:
        command = [
            sys.executable, "-m", "router.lab.modem", "--device", self.other_ends()[self._at],
            "--personality", self._who.name, "--control", *self._options,
        ]  # fmt: skip
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._process = process
        assert process.stdout is not None
        ready = process.stdout.readline()
        follower = threading.Thread(target=self._follow, args=(process,))
        follower.start()

        def end() -> None:
            process.terminate()
            process.wait(_PATIENCE)
            follower.join(_PATIENCE)
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                pipe.close()

        undo.callback(end)
        assert ready.startswith("appear"), ready

    def _follow(self, process: subprocess.Popen[str]) -> None:
        """Do on the bus what the emulator says has happened to the modem."""
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("vanish"):
                self.unplug()
            elif line.startswith("appear"):
                self.plug()
            elif line.startswith("data"):
                _run(*self._ip, "link", "set", "radio", line.split()[1])


def wait(what: str, condition: Callable[[], bool], seconds: float = _PATIENCE) -> None:
    """Raises AssertionError naming `what`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds:.0f} s for {what} in vain"
        time.sleep(0.02)


@contextlib.contextmanager
def held(paths: list[str]) -> Iterator[None]:
    """Somebody keeps ttys open: their names are not given away while they are."""
    with contextlib.ExitStack() as stack:
        for path in paths:
            stack.callback(os.close, os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK))
        yield


def _load(module: str, undo: contextlib.ExitStack, *options: str) -> None:
    if os.path.isdir(f"/sys/module/{module}"):
        return
    _run("modprobe", module, *options)
    undo.callback(_unload, module)


def _unload(module: str) -> None:
    # One that others came to need in the meantime goes with them.
    subprocess.run(["modprobe", "-r", module], capture_output=True, check=False)


def _folder(path: str, undo: contextlib.ExitStack) -> None:
    os.mkdir(path)
    undo.callback(os.rmdir, path)


def _read(path: str) -> str:
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return ""


def _write(path: str, text: str) -> None:
    # Unbuffered: a buffer tries again what failed when it is closed, and a second try at the UDC of a gadget
    # whose network device could not be registered is a BUG in the kernel.
    with open(path, "wb", buffering=0) as file:
        file.write(text.encode() + b"\n")


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
