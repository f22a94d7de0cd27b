"""`roamd-rescue`: what is wrong with this router, found out with MicroPython alone.

Modems are asked, links and routes read, and each way to the home agent is tried with a Registration Request that
changes nothing.
"""

import gc
import json
import sys
import time

from openwrt.rescue import machine, uci
from router import __version__ as VERSION

_HELP = """\
usage: roamd-rescue [OPTIONS]

Tells what is wrong with this router, without CPython, roamd or a network.
It changes nothing: modems are asked questions only, and the home agent gets
a request to end a binding that does not exist.

  --brief        the summary alone: a screen of 24 lines
  --json         all that was found out, for machines
  --routes       the routing tables too
  --dry-run      send nothing to the home agent; say what would be sent
  --force        ask modems whose ports another program has, too
  --config FILE  configuration (default: /etc/config/roamd)
  --root FOLDER  where sys, dev and lib are (default: /)
  --version

It takes some 5 s with one modem. The status is 0 when all is well, 1 when
something is wrong, 2 for words that make no sense, 130 after Ctrl-C.
"""
_TABLE_BASE, _TABLES = 7400, 32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Facts = dict[str, Any]


def main(words: "list[str]") -> int:
    """The exit status."""
    options: dict[str, Any] = {"--config": "/etc/config/roamd", "--root": ""}
    words = list(words)
    while words:
        word = words.pop(0)
        if word in ("--help", "-h"):
            print(_HELP, end="")
            return 0
        if word == "--version":
            print("roamd-rescue " + VERSION)
            return 0
        if word in ("--config", "--root") and words:
            options[word] = words.pop(0)
        elif word in ("--brief", "--json", "--routes", "--dry-run", "--force"):
            options[word] = True
        else:
            print("roamd-rescue: %s: unknown, or its value is missing; try --help" % word)
            return 2
    try:
        facts = look(options)
    except KeyboardInterrupt:
        return 130
    if options.get("--json"):
        print(json.dumps(facts))
    else:
        print(_part("details", facts, "--routes" in options, "--brief" in options), end="")
    return 0 if facts["summary"]["verdict"] == "OK" and not facts["failed"] else 1


def look(options: "Facts") -> "Facts":
    """Everything: what `--json` prints."""
    now = time.gmtime()
    clock = "%d-%02d-%02d %02d:%02d:%02d UTC" % now[:6]
    facts: Facts = {"version": VERSION, "time": time.time(), "clock": clock}
    running = machine.daemon_runs()
    facts["roamd"] = "is running" if running else "is not running"
    # Python is asked whether it works only where nobody proves it.
    facts["python"] = "works" if running else _python()
    config, sections = _config(options["--config"])
    facts["config"] = config
    facts["failed"] = []
    facts["links"], facts["routes"] = _tried(facts, ([], []), "links")
    facts["modems"] = _tried(facts, [], "modems", options["--root"], "--force" in options)
    facts["lacking"] = _tried(facts, [], "modules", sections, options["--root"])
    facts["paths"] = _paths(facts, sections)
    if not config["missing"] and not config["bad_lines"]:
        try:
            facts["paths"] = _tried(
                facts, facts["paths"], "ways", sections, facts["paths"], "--dry-run" in options
            )
        except ValueError as error:
            config["error"] = str(error)
    facts["summary"] = _part("status", facts)
    return facts


def _tried(facts: "Facts", instead: object, name: str, *arguments: object) -> "Any":
    """As `_part`, but what fails on a router in a strange state fails alone."""
    try:
        return _part(name, *arguments)
    except (OSError, MemoryError) as error:
        facts["failed"].append("%s: %r" % (name, error))
        return instead


def _part(name: str, *arguments: object) -> "Any":
    """What `look` of a part comes to, as JSON can hold it.

    A part is loaded for its turn alone, since all of them fill a small heap; and what it found is made anew when it is
    gone, since in between lies what nobody needs any more.
    """
    before = list(sys.modules)
    try:
        text = _found(name, arguments)
    finally:
        for loaded in [loaded for loaded in sys.modules if loaded not in before]:
            _forget(loaded)
        gc.collect()
    return json.loads(text)


def _found(name: str, arguments: "tuple[object, ...]") -> str:
    return json.dumps(__import__("openwrt.rescue." + name, None, None, ("look",)).look(*arguments))


def _forget(name: str) -> None:
    """Unload a module; emptied, since the collector takes any word left on the stack for a reference."""
    package, _, leaf = name.rpartition(".")
    if package in sys.modules:
        delattr(sys.modules[package], leaf)
    module = sys.modules.pop(name)
    if package:
        module.__dict__.clear()


def _python() -> str:
    if not machine.run("command -v roamd >/dev/null 2>&1"):
        return "no roamd"
    return "works" if machine.run("roamd --version >/dev/null 2>&1") else "broken"


def _config(path: str) -> "tuple[Facts, list[uci.Section]]":
    config: Facts = {"file": path, "missing": False, "bad_lines": [], "error": None, "uplinks": []}
    sections: list[uci.Section] = []
    try:
        sections, config["bad_lines"] = uci.parse(machine.text_of(path))
    except OSError:
        config["missing"] = True
    for kind, name, values in sections:
        if kind == "uplink" and uci.is_on(values, "enabled"):
            uplink: Facts = {"name": name, "device": _device(values)}
            for option in ("type", "usb", "imei", "tty"):
                uplink[option] = uci.value(values, option)
            config["uplinks"].append(uplink)
    return config, sections


def _device(uplink: "dict[str, list[str]]") -> str:
    """By name, or that of the interface in /etc/config/network, where that has one of its own."""
    network = uci.value(uplink, "network")
    if not network:
        return uci.value(uplink, "device")
    try:
        sections, _ = uci.parse(machine.text_of("/etc/config/network"))
    except OSError:
        return ""
    for kind, name, values in sections:
        if kind == "interface" and name == network and uci.value(values, "device")[:1] != "/":
            return uci.value(values, "device")
    return ""


def _paths(facts: "Facts", sections: "list[uci.Section]") -> "list[Facts]":
    """Every device with an address and a default route that is not roamd's, by its metric; nothing is tried yet."""
    base = uci.value(uci.find(sections, "mobile_node") or {}, "table_base")
    own = int(base) if base.isdigit() else _TABLE_BASE
    ways: dict[str, Facts] = {}
    for route in sorted(facts["routes"], key=lambda route: route["metric"]):
        links = [link for link in facts["links"] if link["name"] == route["device"] and link["addresses"]]
        ours = own <= route["table"] < own + _TABLES
        if route["to"] == "default" and links and not ours and route["device"] not in ways:
            ways[route["device"]] = _way(links[0], route)
    return sorted(ways.values(), key=lambda path: path["metric"])


def _way(link: "Facts", route: "Facts") -> "Facts":
    return {
        "device": link["name"], "address": link["addresses"][0].split("/")[0], "gateway": route["gateway"],
        "metric": route["metric"], "agent": None, "wanted": 0, "would": None, "tried": False, "error": None, "echo": None,
        "answer": None, "refused": None, "clock_off": None, "neighbour": None, "mtu": link["mtu"], "path_mtu": None,
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
