"""The commands of ITU-T V.250 and 3GPP TS 27.007 that every modem knows.

Each handler takes the modem and the command and returns information lines; it raises Refused.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from router.lab.modem.contexts import TYPES, Context
from router.lab.modem.errors import Refused
from router.lab.modem.syntax import Command, parameters

if TYPE_CHECKING:
    from router.lab.modem.core import Core

__all__ = ["HANDLERS", "REGISTRATIONS", "Handler", "registration_urc"]

Handler = Callable[["Core", Command], "list[str]"]

REGISTRATIONS = ("+CREG", "+CGREG", "+CEREG", "+C5GREG")
_MODES = {"+C5GREG": 3, "+CEREG": 5}
_FULL, _MINIMUM, _AIRPLANE = 1, 0, 4


def _number(text: str, least: int, most: int) -> int:
    if not text.isdecimal() or not least <= int(text) <= most:
        raise Refused(50)
    return int(text)


def _switch(attribute: str) -> Handler:
    """`E0`, `V1`, `Q0`: an attribute of the line."""

    def handler(core: Core, command: Command) -> list[str]:
        if command.rest not in ("", "0", "1"):
            raise Refused(None)
        setattr(core.line, attribute, command.rest == "1")
        return []

    return handler


def _register(core: Core, command: Command) -> list[str]:
    number = int(command.name[1:])
    if command.how == "read":
        return [f"{core.line.registers.get(number, 0):03d}"]
    core.line.registers[number] = _number(command.rest, 0, 255)
    return []


def _factory(core: Core, command: Command) -> list[str]:
    core.factory()
    return []


def _nothing(core: Core, command: Command) -> list[str]:
    return []


def _about(core: Core, command: Command) -> list[str]:
    who = core.personality
    return [who.manufacturer, who.model, f"Revision: {who.revision}"]


def _name(name: str) -> Handler:
    def handler(core: Core, command: Command) -> list[str]:
        _only(command, "run")
        value = getattr(core.personality, name)
        return [f'{command.name}: "{value}"' if core.personality.named else value]

    return handler


def _only(command: Command, *hows: str) -> None:
    if command.how not in hows:
        raise Refused(50)


def _imei(core: Core, command: Command) -> list[str]:
    _only(command, "run")
    return [core.imei]


def _imsi(core: Core, command: Command) -> list[str]:
    _only(command, "run")
    core.sim.require()
    return [core.sim.imsi]


def _errors(core: Core, command: Command) -> list[str]:
    if command.how == "read":
        return [f"+CMEE: {core.detail}"]
    if command.how == "test":
        return ["+CMEE: (0-2)"]
    core.detail = _number(command.rest or "0", 0, 2)
    return []


def _pin(core: Core, command: Command) -> list[str]:
    if command.how == "read":
        return [f"+CPIN: {core.sim.state}"]
    if command.how == "test":
        return []
    _only(command, "set")
    words = parameters(command.rest)
    core.sim.enter(words[0], words[1] if len(words) > 1 else None)
    core.sim_ready()
    return []


def _tries(core: Core, command: Command) -> list[str]:
    sim = core.sim
    return [f"+CPINR: SIM PIN,{sim.tries},3", f"+CPINR: SIM PUK,{sim.puk_tries},10"]


def _functionality(core: Core, command: Command) -> list[str]:
    if command.how == "read":
        return [f"+CFUN: {core.functionality}"]
    if command.how == "test":
        return ["+CFUN: (0,1,4),(0,1)"]
    words = parameters(command.rest)
    level = _number(words[0], 0, 4)
    if level not in (_MINIMUM, _FULL, _AIRPLANE):
        raise Refused(4)
    if len(words) > 1 and _number(words[1], 0, 1):
        core.reset_after_answer(level)
    else:
        core.set_functionality(level)
    return []


def _registration(core: Core, command: Command) -> list[str]:
    name = command.name
    most = _MODES.get(name, 2)
    if command.how == "test":
        return [f"{name}: (0-{most})"]
    if command.how == "set":
        core.reporting[name] = _number(command.rest, 0, most)
        return []
    _only(command, "read")
    mode = core.reporting[name]
    return [f"{name}: {mode},{_registration_fields(core, name, mode)}"]


def _registration_fields(core: Core, name: str, mode: int) -> str:
    """<stat>, and from mode 2 on area, cell and technology while registered."""
    stat = core.network.stat_of(name)
    if mode < 2 or not core.network.registered or not core.network.knows(name):
        return str(stat)
    view = core.view()
    return f'{stat},"{view["tac"]}","{view["ci"]}",{core.network.act}'


def registration_urc(core: Core, name: str, moved: bool) -> str | None:
    """What is said unasked when the registration changed, or None; `moved`: the cell has, and <stat> has not."""
    mode = core.reporting[name]
    if mode < (2 if moved else 1):
        return None
    return f"{name}: {_registration_fields(core, name, mode)}"


def _packet_reporting(core: Core, command: Command) -> list[str]:
    if command.how == "read":
        return [f"+CGEREP: {2 * core.packet_events:d},0"]
    if command.how == "set":
        core.packet_events = _number(parameters(command.rest)[0], 0, 2) > 0
    return []


def _operator(core: Core, command: Command) -> list[str]:
    if command.how == "read":
        return [_operator_read(core)]
    if command.how == "test":
        return [_operator_list(core)]
    _only(command, "set")
    words = parameters(command.rest)
    mode = _number(words[0], 0, 4)
    if mode == 3:
        core.operator_format = _number(words[1] if len(words) > 1 else "", 0, 2)
        return []
    core.sim.require()
    core.operator_mode = mode
    if mode == 2:
        core.leave_network()
    elif mode == 1 and (len(words) < 3 or words[2] not in _operator_names(core)):
        core.leave_network()
        raise Refused(30)
    else:
        core.search_network()
    return []


def _operator_names(core: Core) -> list[str]:
    view = core.view()
    return [str(view[name]) for name in ("operator", "short", "plmn")]


def _operator_read(core: Core) -> str:
    if not core.network.registered:
        return f"+COPS: {core.operator_mode}"
    name = _operator_names(core)[core.operator_format]
    return f'+COPS: {core.operator_mode},{core.operator_format},"{name}",{core.network.act}'


def _operator_list(core: Core) -> str:
    core.sim.require()
    names = ",".join(f'"{name}"' for name in _operator_names(core))
    stat = 2 if core.network.registered else 1
    return f"+COPS: ({stat},{names},{core.network.act}),,(0-4),(0-2)"


def _quality(core: Core, command: Command) -> list[str]:
    if command.how == "test":
        return ["+CSQ: (0-31,99),(0-7,99)"]
    _only(command, "run")
    return [f"+CSQ: {core.view()['csq'] if core.heard else 99},99"]


def _extended_quality(core: Core, command: Command) -> list[str]:
    _only(command, "run")
    view = core.view()
    if not core.heard:
        return ["+CESQ: 99,99,255,255,255,255"]
    if core.network.technology == "NR":
        return [f"+CESQ: 99,99,255,255,255,255,{view['ss_rsrq']},{view['ss_rsrp']},{view['ss_sinr']}"]
    return [f"+CESQ: 99,99,255,255,{view['cesq_rsrq']},{view['cesq_rsrp']}"]


def _attach(core: Core, command: Command) -> list[str]:
    if command.how == "read":
        return [f"+CGATT: {int(core.network.registered)}"]
    if command.how == "set" and _number(command.rest, 0, 1):
        core.search_network()
    elif command.how == "set":
        core.contexts.detached()
    return []


def _define(core: Core, command: Command) -> list[str]:
    if command.how == "read":
        return [
            f'+CGDCONT: {context.cid},"{context.kind}","{context.apn}","{_zero(context)}",0,0,0,0'
            for context in core.contexts.all()
        ]
    if command.how == "test":
        return [f'+CGDCONT: (1-16),"{kind}",,,(0-2),(0-4)' for kind in TYPES]
    words = parameters(command.rest)
    kind = words[1].upper() if len(words) > 1 else None
    core.contexts.define(_number(words[0], 1, 16), kind, words[2] if len(words) > 2 else "")
    return []


def _zero(context: Context) -> str:
    return "0.0.0.0" if context.ipv4 else "::"


def _activate(core: Core, command: Command) -> list[str]:
    if command.how == "read":
        comma = core.personality.comma
        return [f"+CGACT: {context.cid}{comma}{int(context.active)}" for context in core.contexts.all()]
    if command.how == "test":
        return ["+CGACT: (0,1)"]
    words = parameters(command.rest)
    on = _number(words[0], 0, 4)
    cids = [_number(word, 1, 16) for word in words[1:]] or [c.cid for c in core.contexts.all()]
    core.sim.require()
    for cid in cids:
        if on == 1:
            core.contexts.activate(cid, core.network.registered)
        elif on == 0:
            core.disconnect(cid)
            core.contexts.deactivate(cid)
        else:
            # Vendors connect the network device with values of their own.
            core.connect(cid)
    return []


def _chosen(core: Core, command: Command) -> list[Context]:
    if command.how == "set":
        return [core.contexts.get(_number(word, 1, 16)) for word in parameters(command.rest)]
    _only(command, "run")
    return core.contexts.all()


def _addresses(core: Core, command: Command) -> list[str]:
    if command.how == "test":
        return [f"+CGPADDR: ({','.join(str(c.cid) for c in core.contexts.all())})"]
    return [_address(core, context) for context in _chosen(core, command)]


def _address(core: Core, context: Context) -> str:
    lease = core.contexts.lease
    if not context.active:
        return f'+CGPADDR: {context.cid},"{_zero(context)}"'
    style = core.personality.addresses
    v6 = IPv6Address(lease.address6)
    if style == "words":
        words = [f"IPV4:{lease.address}"] * context.ipv4 + [f"IPV6:{v6}".upper()] * context.ipv6
        return f'+CGPADDR: {context.cid},"{"    ".join(words)}"'
    shown = ".".join(str(octet) for octet in v6.packed)
    if style == "colons":
        shown = ":".join(f"{v6.packed[at] << 8 | v6.packed[at + 1]:x}" for at in range(0, 16, 2))
    words = [lease.address] * context.ipv4 + [shown] * context.ipv6
    return f"+CGPADDR: {context.cid}," + ",".join(f'"{word}"' for word in words)


def _dynamic(core: Core, command: Command) -> list[str]:
    """+CGCONTRDP: cid, bearer, APN, address with mask, gateway, two DNS, ..., MTU."""
    if command.how == "test":
        return [f"+CGCONTRDP: ({','.join(str(c.cid) for c in core.contexts.all() if c.active)})"]
    lease = core.contexts.lease
    return [
        f'+CGCONTRDP: {context.cid},5,"{context.apn}","{lease.address}.{lease.mask}","{lease.gateway}",'
        f'"{lease.dns[0]}","{lease.dns[1]}","","",0,0,{lease.mtu}'
        for context in _chosen(core, command)
        if context.active and context.ipv4
    ]


def _quality_of_service(core: Core, command: Command) -> list[str]:
    lease = core.contexts.lease
    return [
        f"{command.name}: {context.cid},9,0,0,0,0,{lease.ambr_down},{lease.ambr_up}"
        for context in _chosen(core, command)
        if context.active
    ]


def _card(core: Core, command: Command) -> list[str]:
    core.sim.require()
    return [f"{command.name}: {core.sim.iccid}"]


def _dial(core: Core, command: Command) -> list[str]:
    if not command.rest.startswith("*99"):
        raise Refused(3)
    core.dial()
    return []


def _send_message(core: Core, command: Command) -> list[str]:
    core.sim.require()
    core.prompt()
    return []


def _hang_up(core: Core, command: Command) -> list[str]:
    core.disconnect(core.contexts.default)
    return []


HANDLERS: dict[str, Handler] = {
    "E": _switch("echo"), "V": _switch("verbose"), "Q": _switch("quiet"),
    "X": _nothing, "&C": _nothing, "&D": _nothing, "&W": _nothing, "&F": _factory, "Z": _factory, "I": _about,
    "D": _dial, "H": _hang_up,
    "+CGMI": _name("manufacturer"), "+GMI": _name("manufacturer"),
    "+CGMM": _name("model"), "+GMM": _name("model"),
    "+CGMR": _name("revision"), "+GMR": _name("revision"),
    "+CGSN": _imei, "+GSN": _imei, "+CIMI": _imsi, "+CMEE": _errors,
    "+CPIN": _pin, "+CPINR": _tries, "+CFUN": _functionality, "+COPS": _operator,
    "+CSQ": _quality, "+CESQ": _extended_quality, "+CGATT": _attach,
    "+CGDCONT": _define, "+CGACT": _activate, "+CGPADDR": _addresses, "+CGCONTRDP": _dynamic,
    "+CGEQOSRDP": _quality_of_service, "+C5GQOSRDP": _quality_of_service, "+CGAUTH": _nothing,
    "+CGEREP": _packet_reporting, "+CMGS": _send_message, "+CMGF": _nothing, "+CSCS": _nothing, "+CCID": _card,
    **dict.fromkeys(REGISTRATIONS, _registration),
}  # fmt: skip


def handler(command: Command) -> Handler | None:
    """Of a command's name; registers have a number each."""
    if command.name[:1] == "S" and command.name[1:].isdecimal():
        return _register
    return HANDLERS.get(command.name)
