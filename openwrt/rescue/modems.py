"""Modems found by sysfs and asked by AT, each at the port that answers.  Decides nothing."""

import time

from modem.ports import sysfs
from modem.ports.micropython import Clock, Port, Stream, open_tty
from modem.ports.owner import owner_of
from modem.ports.probe import DeviceProbe
from modem.ports.roles import looks_like_modem, probed
from openwrt.rescue.inquiry import Inquiry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Facts = dict[str, Any]


def look(root: str, force: bool) -> "list[Facts]":
    """device, bus, networks, port, owner, why, and the facts of every modem; `force`: though others have the port."""
    found = []
    for device in sysfs.devices(root + "/sys"):
        if looks_like_modem(device):
            found.append(_modem(device, root + "/dev", force))
    return found


def _modem(device: "sysfs.Device", dev: str, force: bool) -> "Facts":
    found: Facts = {"device": device.name, "bus": device.bus, "networks": list(device.networks), "port": None}
    ports = probed(device)
    for name, _ in () if force else ports:
        owner = owner_of("%s/%s" % (dev, name))
        if owner is not None:
            found["owner"] = "%s has %s" % (owner, name)
            return found
    outcome, streams = _probe(ports, dev)
    if outcome.port is None:
        found["why"] = "; ".join(["%s %s" % item for item in outcome.reasons.items()]) or "no AT port"
        return found
    inquiry = _inquire(streams[outcome.port])
    found.update(inquiry.facts())
    found["port"], found["why"] = outcome.port, inquiry.why
    return found


def _probe(ports: "tuple[tuple[str, str | None], ...]", dev: str) -> "tuple[Any, dict[str, Stream]]":
    """The outcome of `DeviceProbe`, and the open stream of the port that answered, by its name."""
    clock = Clock()
    asked = DeviceProbe(ports, clock.now())
    streams: dict[str, Stream] = {}
    while asked.outcome is None:
        now = clock.now()
        asked.tick(now)
        for name in asked.to_open(now):
            try:
                streams[name] = Stream(open_tty("%s/%s" % (dev, name)))
                asked.opened(name, clock.now())
            except OSError as error:
                asked.failed(name, "does not open (%s)" % error, clock.now())
        for name, data in asked.output(now):
            streams[name].write(data)
        for name in asked.finished():
            if name in streams:
                streams.pop(name).close()
        for name in list(streams):
            try:
                data = streams[name].read(10)
            except OSError:
                streams.pop(name).close()
                asked.failed(name, "hung up", clock.now())
                continue
            if data:
                asked.feed(name, data, clock.now())
        if not streams and asked.outcome is None:
            time.sleep_ms(20)
    for name in list(streams):
        if name != asked.outcome.port:
            streams.pop(name).close()
    return asked.outcome, streams


def _inquire(stream: Stream) -> Inquiry:
    """All questions put to the modem."""
    inquiry = Inquiry()
    port = Port(stream, inquiry)
    port.begin()
    try:
        while not inquiry.done:
            port.step(100)
    except OSError:
        inquiry.hung_up()
    stream.close()
    return inquiry
