"""Every fault there is a name for: what to say of it, what that means, and what to try next.

Pure tables; runs unchanged on CPython and MicroPython, so that a rescue tool says the same.  Texts have %(name)s in
them, of the values a finding comes with.
"""

FAULT, WARNING, NOTE = "fault", "warning", "note"
"""Carries nothing; carries, but not as it should; nothing to mend."""

WORDS = {
    # The modem
    "no_modem": (FAULT, "no modem: %(why)s", "the router does not see the modem on USB or at its tty",
        "check plug, cable and power of the modem; see: show modem"),
    "modem_silent": (FAULT, "the modem does not answer", "its port is there, but AT commands get no reply",
        "modem reset --how usb_reset --uplink %(uplink)s; then take its power away for 10 s"),
    "modem_starting": (NOTE, "the modem is starting", "it has not told yet what it knows", "wait 30 s and look again"),
    "no_sim": (FAULT, "no SIM card", "the modem says that no card is in its slot",
        "push the card in until it clicks, contacts towards the modem; try another card"),
    "pin_needed": (FAULT, "the SIM card wants its PIN", "no PIN is configured, so none is tried",
        "set option pin of uplink %(uplink)s, or take the PIN off the card in a telephone"),
    "pin_wrong": (FAULT, "the PIN is wrong, or was not tried: %(why)s", "a third wrong PIN would lock the card",
        "set the right option pin of uplink %(uplink)s, then reload"),
    "puk_needed": (FAULT, "the SIM card is locked and wants its PUK", "the PIN was wrong too often",
        "unlock it in a telephone with the PUK of the operator"),
    "sim_fault": (FAULT, "the SIM card cannot be read (%(why)s)", "dirty contacts, or a broken card",
        "take the card out, clean it, put it back; try another card"),
    "radio_off": (FAULT, "the modem's radio is off", "AT+CFUN says that it neither sends nor hears",
        "modem reset --how radio --uplink %(uplink)s; or take its power away for 10 s"),
    "no_signal": (FAULT, "no mobile network is heard", "no signal at all: antenna, or no coverage here",
        "check the antenna's plugs; drive to another place"),
    "searching": (FAULT, "searching for a mobile network", "a signal is there, but no network that takes the card",
        "wait a minute; check antenna, bands and roaming of the card"),
    "registration_denied": (FAULT, "the mobile network refuses the SIM card", "card not active, contract, or no roaming here",
        "ask the operator whether the card is active; try it in a telephone"),
    "wrong_apn": (FAULT, "the mobile network does not know the APN%(apn)s", "registered, but no data session: %(why)s",
        "set option apn of uplink %(uplink)s to what the operator says"),
    "no_session": (FAULT, "no data session: %(why)s", "registered, but the network gives no connection",
        "check option apn, username, password and the card's data volume"),
    # The link
    "no_device": (FAULT, "network device %(device)s is not there", "its driver or hardware is missing, or it has another name",
        "check the plug and option device or network of uplink %(uplink)s; see: ip link"),
    "link_down": (FAULT, "device %(device)s is switched off", "the interface is administratively down",
        "ifup the network, or: ip link set %(device)s up"),
    "no_carrier": (FAULT, "no carrier on %(device)s", "cable unplugged, or not connected to an access point",
        "check cable, or SSID, key and range of the access point"),
    "no_address": (FAULT, "%(device)s has no IPv4 address", "the network gave none (DHCP), or none is configured",
        "check the network's DHCP and proto of the interface; for a modem its session"),
    "no_gateway": (FAULT, "no gateway on %(device)s", "an address, but no default route over this device",
        "set gateway (or option gateway of uplink %(uplink)s), or mend DHCP's router option"),
    "gateway_silent": (FAULT, "gateway %(gateway)s does not answer", "neither ARP nor echoes: wrong address, or the access is dead",
        "check address and mask of %(device)s; restart the access point or modem"),
    # The way and the home agent
    "no_way": (FAULT, "this network does not lead to the home agent", "the gateway answers, %(home_agent)s does not; by other uplinks it does",
        "is there a captive portal, a firewall, or no contract? ask its operator"),
    "home_agent_down": (FAULT, "home agent %(home_agent)s does not answer", "the gateway answers, the home agent neither echoes nor registrations",
        "is the home agent up, and option home_agent right? ask its operator"),
    "agent_refuses_port": (FAULT, "no home agent runs at %(home_agent)s", "the host is up, but nobody listens at its UDP port 434",
        "start the home agent; check option home_agent"),
    "udp_blocked": (FAULT, "UDP port 434 is blocked", "%(home_agent)s answers echoes, but registrations get no answer",
        "open UDP 434 in firewalls on the way; if that is sure, check spi and key at both ends"),
    "wrong_key": (FAULT, "key or SPI differ from the home agent's", "the home agent answers, but neither believes the other: %(why)s",
        "set option spi, key and algorithm the same at both ends"),
    "registering": (NOTE, "registering", "a request is under way", "wait 5 s and look again"),
    "unanswered": (WARNING, "registration is not answered yet", "looking where the way ends", "wait 10 s and look again"),
    "refused": (FAULT, "the home agent refuses: %(why)s", "reply code %(reply)s", "ask the home agent's operator; see: show events"),
    "clock_mismatch": (WARNING, "the clocks differ", "the home agent told its time, the next request goes by it", "wait 5 s and look again"),
    "no_agent": (FAULT, "no foreign agent is heard", "option care_of wants one on this link", "check option care_of of uplink %(uplink)s"),
    "waiting": (NOTE, "not registered: %(why)s", "it waits for another uplink or for the home agent", "see: show bindings"),
    "held": (NOTE, "held down by hand", "somebody said `uplink down`", "uplink up %(uplink)s"),
    "barred": (NOTE, "not used: %(why)s", "option cap or roaming forbids it", "raise option cap, or allow option roaming"),
    "mtu_black_hole": (WARNING, "only %(path_mtu)s of %(mtu)s octets come through", "larger packets vanish on the way; tunnels are fitted to it",
        "nothing is broken; to save the search set option mtu '%(path_mtu)s'"),
    "weak_signal": (NOTE, "weak signal: %(why)s", "slow, and lost in the next dip", "check antenna and its place"),
    # The router
    "clock_off": (WARNING, "this router's clock is %(why)s the home agent's", "registrations go by the home agent's clock; logs and certificates do not",
        "set the clock; check NTP (sysntpd) and the RTC's battery"),
    "config": (WARNING, "the configuration file has errors and is not in force", "%(why)s", "mend it; roamd check says every error"),
    "port_taken": (NOTE, "%(why)s", "two at one port would read each other's answers",
        "ask its owner; roamctl modem show, where that is roamd"),
    "python_broken": (FAULT, "roamd does not start", "its Python or its files are broken",
        "install the packages anew: /etc/config/roamd stays"),
    "clock_unset": (WARNING, "the clock is not set: %(why)s", "the first registration is refused, logs and certificates are wrong",
        "set it with date -s; check NTP (sysntpd) and the RTC's battery"),
    "modules_missing": (WARNING, "tunnel modules are missing: %(why)s", "tunnels run in user space: they cost more processor time",
        "opkg install %(why)s, then restart roamd"),
    "no_tunnels": (FAULT, "no tunnel can be made", "neither the kernel's tunnels nor those of user space are there",
        "opkg install %(why)s, then restart roamd"),
    "no_config": (FAULT, "there is no configuration", "%(why)s is missing: nobody knows the home agent",
        "set home_address, home_agent, spi and key"),
}  # fmt: skip


def finding(code: str, uplink: "str | None" = None, **values: object) -> "dict[str, object]":
    """{code, level, uplink, verdict, meaning, next}; `uplink` None where it is about the whole router."""
    level, verdict, meaning, following = WORDS[code]
    values["uplink"] = uplink
    return {
        "code": code,
        "level": level,
        "uplink": uplink,
        "verdict": verdict % values,
        "meaning": meaning % values,
        "next": following % values,
    }


_OF_ROAMD = ("see: show ", "modem reset ", "uplink up ", "roamctl ", "roamd check ")
"""How advice begins that wants roamd's own commands."""
_LINKING = ("then ", "or ")


def without_commands(advice: str) -> str:
    """What is left of a finding's `next` where roamd's commands are not there; all of it, if that were nothing."""
    left = [part for part in advice.split("; ") if not part.startswith(_OF_ROAMD)]
    if not left:
        return advice
    for word in _LINKING:
        if not advice.startswith(left[0]) and left[0].startswith(word):
            left[0] = left[0][len(word) :]
    return "; ".join(left)
