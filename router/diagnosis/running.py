"""What only a daemon that runs can tell of: paths that are registered, and the machine below it.

A module of its own since a rescue tool, which has little memory, never needs it.  Pure; runs unchanged on CPython and
MicroPython.
"""

from router.diagnosis.words import FAULT, WARNING, WORDS, finding

WORDS.update({
    "path_silent": (FAULT, "the tunnel is silent", "registered, but nothing comes out of the tunnel",
        "is protocol 4 or UDP 434 filtered? try option encapsulation 'udp'"),
    "flapping": (WARNING, "left alone for a while: it came and went too often", "flows keep to the other uplinks",
        "check antenna, plug and coverage"),
    "lossy": (WARNING, "%(loss)s%% of packets are lost", "a bad radio link or an overloaded network", "check antenna and signal"),
    "unwritten": (WARNING, "%(state)s", "%(why)s", "make room (df; rm what is not needed), or mend the overlay: it runs on meanwhile"),
    "others_first": (WARNING, "others route first", "%(why)s", "set option rule_priority as said, or mend the other's rules"),
    "plane": (FAULT, "the kernel refuses what is wanted", "%(why)s", "see: show events; restart roamd"),
    "no_uplinks": (FAULT, "no uplink is configured", "nothing to register", "add a config uplink section to /etc/config/roamd"),
})  # fmt: skip
_LOSSY = 0.1

TYPE_CHECKING = False
if TYPE_CHECKING:
    Facts = dict[str, object]
    Finding = dict[str, object]


def of_path(name: str, path: "Facts") -> "list[Finding]":
    """How a registered uplink carries, that is not silent: what makes that bad."""
    found = []
    if path.get("suppressed"):
        found.append(finding("flapping", name))
    loss = path.get("loss")
    if isinstance(loss, float) and loss >= _LOSSY:
        found.append(finding("lossy", name, loss=round(100 * loss)))
    return found


def of_machine(status: "Facts") -> "list[Finding]":
    """What is wrong with the router itself, as the daemon sees it."""
    found = []
    if status.get("uplinks") == []:
        found.append(finding("no_uplinks"))
    if status.get("problem"):
        found.append(finding("plane", why=status.get("problem")))
    states = status.get("states")
    for item in states if isinstance(states, (list, tuple)) else ():
        if item["state"] == "clock not set":
            found.append(finding("clock_unset", why="nobody has told this router the time"))
        elif item["state"] == "others route first":
            found.append(finding("others_first", why=item["text"]))
        elif "unwritten" not in [other["code"] for other in found]:
            found.append(finding("unwritten", state=item["state"], why=item["text"]))
    return found
