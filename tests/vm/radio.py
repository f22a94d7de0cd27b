"""A wireless network of simulated radios (mac80211_hwsim): Debian's hostapd at one end, wpa_supplicant at the other."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator

from router.lab.cast import Cast

__all__ = ["SSID", "Air"]

SSID = "depot"
_MODULE = "mac80211_hwsim"
_PASSPHRASE = "a passphrase of the depot"
_CHANNELS = (1, 6)
_PATIENCE = 60

_ACCESS_POINT = """\
interface={device}
bridge=ap0
driver=nl80211
ssid={ssid}
hw_mode=g
channel={channel}
ieee80211n=1
wmm_enabled=1
wpa=2
wpa_key_mgmt=WPA-PSK
rsn_pairwise=CCMP
wpa_passphrase={passphrase}
"""

_STATION = """\
ctrl_interface={control}
network={{
    ssid="{ssid}"
    psk="{passphrase}"
    key_mgmt=WPA-PSK
}}
"""


class Air:
    """Two access points of one network on a bridge, and the router's radio, in place of the demo's Wi-Fi cable.

    `build()` once the topology stands; `dismantle()` after it has gone.
    """

    def __init__(self, cast: Cast) -> None:
        self._cast = cast
        self._lab = cast.lab
        self._control = os.path.join(cast.directory, "supplicant")
        self._devices: dict[str, str] = {}
        """Of the access points, by BSSID."""

    def build(self) -> None:
        """Associated on return, with the addresses and routes that the cable had."""
        self._lab.run("mr", "ip", "link", "del", "wlan0")
        subprocess.run(["modprobe", _MODULE, f"radios={1 + len(_CHANNELS)}"], check=True)
        station, *others = sorted(_radios())
        self._bridge()
        for channel, radio in zip(_CHANNELS, others, strict=True):
            self._start_access_point(radio, channel)
        self._start_station(station)

    def dismantle(self) -> None:
        subprocess.run(["modprobe", "-r", _MODULE], check=True)

    def bssids(self) -> set[str]:
        return set(self._devices)

    @contextlib.contextmanager
    def silenced(self, bssid: str) -> Iterator[None]:
        """An access point loses its power for a while: it takes leave of nobody."""
        self._lab.run("wifi", "ip", "link", "set", self._devices[bssid], "down")
        try:
            yield
        finally:
            self._lab.run("wifi", "ip", "link", "set", self._devices[bssid], "up")

    def roam(self, bssid: str) -> None:
        """Ask the supplicant for another access point of its network; associated there on return."""
        assert self._ask("scan") == "OK"
        self._cast.wait(f"a beacon of {bssid}", lambda: bssid in self._ask("scan_results"), _PATIENCE)
        assert self._ask("roam", bssid) == "OK"
        self.wait_associated(bssid)

    def wait_associated(self, bssid: str | None = None) -> float:
        """With `bssid` or, without one, with any; the seconds it took."""

        def associated() -> bool:
            status = self.station()
            return status.get("wpa_state") == "COMPLETED" and bssid in (None, status["bssid"])

        return self._cast.wait("the association", associated, _PATIENCE)

    def station(self) -> dict[str, str]:
        """What the supplicant says of the association: `bssid`, `ssid`, `wpa_state`, `key_mgmt`, ..."""
        return dict(line.split("=", 1) for line in self._ask("status").splitlines() if "=" in line)

    def _ask(self, *words: str) -> str:
        return self._lab.run("mr", "wpa_cli", "-p", self._control, "-i", "wlan0", *words).strip()

    def _bridge(self) -> None:
        # The cable took its other end along.
        self._lab.run("wifi", "ip", "link", "add", "ap0", "type", "bridge")
        self._lab.run("wifi", "ip", "address", "add", "192.0.2.1/24", "dev", "ap0")
        self._lab.run("wifi", "ip", "link", "set", "ap0", "up")

    def _start_access_point(self, radio: str, channel: int) -> None:
        device = self._move(radio, "wifi")
        text = _ACCESS_POINT.format(device=device, ssid=SSID, channel=channel, passphrase=_PASSPHRASE)
        log = self._cast.log(device)
        self._lab.start("wifi", ["hostapd", "-f", log, self._config(device, text)], log)
        with open(log) as file:
            said: list[str] = []

            def enabled() -> bool:
                said.append(file.read())
                return "AP-ENABLED" in "".join(said)

            self._cast.wait(f"access point {device}", enabled, _PATIENCE)
        address = self._lab.run("wifi", "cat", f"/sys/class/net/{device}/address").strip()
        self._devices[address] = device

    def _start_station(self, radio: str) -> None:
        device = self._move(radio, "mr")
        if device != "wlan0":
            self._lab.run("mr", "ip", "link", "set", device, "name", "wlan0")
        text = _STATION.format(control=self._control, ssid=SSID, passphrase=_PASSPHRASE)
        command = ["wpa_supplicant", "-i", "wlan0", "-D", "nl80211", "-c", self._config("station", text)]
        log = self._cast.log("station")
        self._lab.start("mr", [*command, "-f", log], log)
        self._cast.wait("the supplicant", lambda: os.path.exists(f"{self._control}/wlan0"), _PATIENCE)
        self.wait_associated()
        self._lab.run("mr", "ip", "address", "add", "192.0.2.10/24", "dev", "wlan0")
        self._lab.run(
            "mr", "ip", "route", "add", "default", "via", "192.0.2.1", "dev", "wlan0", "metric", "100"
        )

    def _move(self, radio: str, role: str) -> str:
        """Move a radio into a namespace; its network device."""
        (device,) = os.listdir(f"/sys/class/ieee80211/{radio}/device/net")
        subprocess.run(["iw", "phy", radio, "set", "netns", "name", self._lab.name(role)], check=True)
        return device

    def _config(self, name: str, text: str) -> str:
        path = os.path.join(self._cast.directory, f"{name}.conf")
        with open(path, "w") as file:
            file.write(text)
        return path


def _radios() -> list[str]:
    root = "/sys/class/ieee80211"
    return [
        name
        for name in os.listdir(root)
        if os.path.realpath(f"{root}/{name}/device/driver").endswith(_MODULE)
    ]
