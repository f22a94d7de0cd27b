"""Octets written by hand from the figures of the RFCs, beside the values they mean.

`EXTENSIONS`, `MESSAGES` and `DISCOVERY` map a name to (value, octets); `compound`
puts messages with several extensions together from these.
"""

from ipaddress import IPv4Address

from router.mip.wire.advertisement import AgentAdvertisement, AgentSolicitation, MobilityAgent, RouterAddress
from router.mip.wire.authentication import MN_AAA, Authentication
from router.mip.wire.challenge import Challenge
from router.mip.wire.delivery import EncapsulatingDelivery
from router.mip.wire.dynamic_home_agent import DynamicHomeAgent
from router.mip.wire.extension import Unknown
from router.mip.wire.fa_error import FaError
from router.mip.wire.gre_key import GreKey
from router.mip.wire.message_string import MessageString
from router.mip.wire.mobile_network import MobileNetworkAcknowledgement, MobileNetworkRequest
from router.mip.wire.multipath import FlowBinding, Multipath
from router.mip.wire.nai import Nai
from router.mip.wire.registration import B, D, G, M, RegistrationReply, RegistrationRequest, S, T
from router.mip.wire.revocation import Revocation, RevocationAcknowledgment, RevocationSupport
from router.mip.wire.selector import TrafficSelector
from router.mip.wire.udp_tunnel import TunnelData, UdpTunnelReply, UdpTunnelRequest
from router.mip.wire.vendor import CriticalVendor, NormalVendor

HOME, AGENT = IPv4Address("10.99.0.2"), IPv4Address("198.51.100.2")
CARE_OF, NETWORK = IPv4Address("192.0.2.10"), IPv4Address("10.50.0.0")
IDENTIFICATION = 0xE8F1A2B3C4D5E6F7


def _hex(*pieces):
    return bytes.fromhex("".join(pieces))


def placed(extension, offset):
    """`extension` as it is decoded at `offset`: authenticators remember where they stood."""
    return extension._replace(offset=offset) if isinstance(extension, Authentication) else extension


def _authentication(kind, head, size, sub_type=0):
    return Authentication(kind, 0x100, bytes(range(size)), 0, sub_type), _hex(head, bytes(range(size)).hex())


_EVERY_FIELD = TrafficSelector(
    source=(0xC633640A, 0xC6336414),
    destination=(0x0A320000, 0x0A3200FF),
    spi=(0x100, 0x1FF),
    source_port=(1024, 2047),
    destination_port=(5000, 5010),
    dscp=(10, 14),
    protocol=(6, 17),
)
_EVERY_START = TrafficSelector(
    (0xC633640A,) * 2, (0x0A320001,) * 2, (0x100,) * 2, (1024,) * 2, (5000,) * 2, (46, 46), (17, 17)
)

EXTENSIONS = {
    # RFC 5944 section 3.5.2: type 32; length 4 + 16; SPI 256; 16 octets of HMAC-MD5.
    "mobile_home": _authentication(32, "20 14 00000100", 16),
    # The same with 32 octets of HMAC-SHA256: length 4 + 32 = 0x24.
    "mobile_home_sha256": _authentication(32, "20 24 00000100", 32),
    # Section 3.5.3: type 33.
    "mobile_foreign": _authentication(33, "21 14 00000100", 16),
    # Section 3.5.4: type 34; length 4 + 20 octets of HMAC-SHA1 = 0x18.
    "foreign_home": _authentication(34, "22 18 00000100", 20),
    # RFC 4721 section 5: type 36; sub-type 1; length (16 bits) 4 + 16; SPI.
    "mn_aaa": _authentication(36, "24 01 0014 00000100", 16, MN_AAA),
    # RFC 3115 section 2.1: type 38; reserved; length (16 bits) 4 + 2 + 3; vendor 9; vendor type 513; value.
    "critical_vendor": (CriticalVendor(9, 0x0201, b"abc"), _hex("26 00 0009 00000009 0201 616263")),
    # RFC 3519 section 3.2: type 44; length 6; sub-type 0; code 0; F = 1 and 15 reserved bits; 110 s = 0x6e.
    "udp_reply_forced": (UdpTunnelReply(0, True, 110), _hex("2c 06 00 00 8000 006e")),
    # Code 64 (declined); F = 0; interval 0.
    "udp_reply_declined": (UdpTunnelReply(64), _hex("2c 06 00 40 0000 0000")),
    # RFC 4636 section 3: type 45; length 2; sub-type 0; status 68 = 0x44.
    "fa_error": (FaError(68), _hex("2d 02 00 44")),
    # RFC 6245 section 3: type 48; sub-type 0; length (16 bits) 4; key.
    "gre_key": (GreKey(0xCAFE0001), _hex("30 00 0004 cafe0001")),
    # RFC 3024 section 3.3: type 130; length 0.
    "encapsulating_delivery": (EncapsulatingDelivery(), _hex("82 00")),
    # RFC 2794 section 2: type 131; length 13; the identifier in ASCII.
    "nai": (Nai(b"bus@example.o"), _hex("83 0d 627573 40 6578616d706c65 2e 6f")),
    # RFC 4721 section 4: type 132; length 8; the challenge.
    "challenge": (Challenge(b"\x00\x11\x22\x33\x44\x55\x66\x77"), _hex("84 08 0011223344556677")),
    # RFC 3115 section 2.2: type 134; length 2 + 4 + 2 + 2; reserved (16 bits); vendor 9; vendor type 2; value.
    "normal_vendor": (NormalVendor(9, 2, b"xy"), _hex("86 0a 0000 00000009 0002 7879")),
    # RFC 3543 section 3.2: type 137; length 6; I = 1 and 15 reserved bits; time stamp.
    "revocation_support_inform": (RevocationSupport(0x65A0B1C2, True), _hex("89 06 8000 65a0b1c2")),
    "revocation_support": (RevocationSupport(7), _hex("89 06 0000 00000007")),
    # RFC 4433 section 3.1: type 139; sub-type 1 (requested); length (16 bits) 4; home agent.
    "requested_home_agent": (DynamicHomeAgent(AGENT), _hex("8b 01 0004 c6336402")),
    # Section 3.2: sub-type 2 (redirected).
    "redirected_home_agent": (DynamicHomeAgent(AGENT, True), _hex("8b 02 0004 c6336402")),
    # RFC 3519 section 3.1: type 144; length 6; sub-type 0; reserved; F = 1; encapsulation 4; reserved.
    "udp_request_forced": (UdpTunnelRequest(force=True, encapsulation=4), _hex("90 06 00 00 80 04 0000")),
    # R = 1; encapsulation 47 = 0x2f (GRE).
    "udp_request_via_foreign": (UdpTunnelRequest(False, True, 47), _hex("90 06 00 00 40 2f 0000")),
    # F = R = 0; encapsulation 55 = 0x37 (minimal); third reserved field kept, as it decides.
    "udp_request_reserved": (UdpTunnelRequest(False, False, 55, 0x0102), _hex("90 06 00 00 00 37 0102")),
    # RFC 4917 section 3: type 145; length 1 + 5; sub-type 1 (home agent); text.
    "message_from_home": (MessageString("hello"), _hex("91 06 01 68656c6c6f")),
    # Sub-type 2 (foreign agent); "größe" is 7 octets of UTF-8.
    "message_from_foreign": (MessageString("größe", True), _hex("91 08 02 67 72 c3b6 c39f 65")),
    # RFC 5177 section 4.1: type 148; length 6; sub-type 0; prefix length 24 = 0x18; prefix.
    "network_request": (MobileNetworkRequest(NETWORK, 24), _hex("94 06 00 18 0a320000")),
    # RFC 6626 section 3: prefix 0 asks for one; the length is a hint.
    "network_dynamic": (MobileNetworkRequest(IPv4Address(0), 28), _hex("94 06 00 1c 00000000")),
    # RFC 5177 section 4.2: length 8; sub-type 1 (explicit); code 2; prefix length; reserved; prefix.
    "network_explicit": (MobileNetworkAcknowledgement(2, 24, NETWORK), _hex("94 08 01 02 18 00 0a320000")),
    # Sub-type 2 (implicit); code 0.
    "network_implicit": (
        MobileNetworkAcknowledgement(0, 24, NETWORK, True),
        _hex("94 08 02 00 18 00 0a320000"),
    ),
    # RFC 7629 section 4.1: type 154; sub-type 1; length (16 bits) 4; If-ATT 4; If-Label 9; BID 3; B = O = 0.
    "multipath": (Multipath(4, 9, 3), _hex("9a 01 0004 04 09 03 00")),
    # B = 1 is the highest bit.
    "multipath_bulk": (Multipath(8, 255, 254, bulk=True), _hex("9a 01 0004 08 ff fe 80")),
    # O = 1 is the next.
    "multipath_overwrite": (Multipath(3, 1, 1, overwrite=True), _hex("9a 01 0004 03 01 01 40")),
    # RFC 7629 section 4.2: type 154; sub-type 2; length 2 + 2 + 1 + 4; FORWARD; 2 BIDs; format 1; no field.
    "flow_any": (FlowBinding(1, (3, 7), TrafficSelector()), _hex("9a 02 0009 01 02 0307 01 00000000")),
    # DROP; one octet without meaning; flags C I M of RFC 6088: bits 2, 8 and 12.
    "flow_drop": (
        FlowBinding(
            0, (255,), TrafficSelector(None, (0x0A320001,) * 2, None, None, (53, 53), None, (17, 17))
        ),
        _hex("9a 02 000f 00 01 ff 01", "20880000", "0a320001", "0035", "11"),
    ),
    "flow_every_field": (
        FlowBinding(1, (3, 7), _EVERY_FIELD),
        _hex(
            "9a 02 002d 01 02 0307 01",  # length 2 + 2 + 1 + 40
            "fffc0000",  # fourteen flags, A to N
            "c633640a c6336414",  # A, B: source 198.51.100.10 to .20
            "0a320000 0a3200ff",  # C, D: destination 10.50.0.0 to .255
            "00000100 000001ff",  # E, F: SPI
            "0400 07ff",  # G, H: source port 1024 to 2047
            "1388 1392",  # I, J: destination port 5000 to 5010
            "28 38",  # K, L: code points 10 and 14 in the upper six bits
            "06 11",  # M, N: protocol 6 to 17
        ),
    ),
    "flow_every_start": (
        FlowBinding(1, (1,), _EVERY_START),
        _hex(
            "9a 02 001a 01 01 01 01",  # length 2 + 1 + 1 + 22
            "aaa80000",  # every other flag: A C E G I K M
            "c633640a",  # A
            "0a320001",  # C
            "00000100",  # E
            "0400",  # G
            "1388",  # I
            "b8",  # K: code point 46, expedited forwarding
            "11",  # M
        ),
    ),
    # RFC 5944 section 1.8: nobody's type 200, which may be passed over.
    "unknown": (Unknown(200, b"\xc8\x03xyz"), _hex("c8 03 78797a")),
}

MESSAGES = {
    # RFC 5944 section 3.3: type 1; S B D M G r T x = 00100010; lifetime 600; home; agent; care-of; identification.
    "request": (
        RegistrationRequest(600, HOME, AGENT, CARE_OF, IDENTIFICATION),
        _hex("01 22 0258 0a630002 c6336402 c000020a e8f1a2b3c4d5e6f7"),
    ),
    # Every flag but r and x: 11111010; lifetime without end.
    "request_every_flag": (
        RegistrationRequest(0xFFFF, HOME, AGENT, CARE_OF, 1, S | B | D | M | G | T),
        _hex("01 fa ffff 0a630002 c6336402 c000020a 0000000000000001"),
    ),
    # No flag, lifetime 0, no home address.
    "deregistration": (
        RegistrationRequest(0, IPv4Address(0), AGENT, CARE_OF, IDENTIFICATION, 0),
        _hex("01 00 0000 00000000 c6336402 c000020a e8f1a2b3c4d5e6f7"),
    ),
    # Section 3.4: type 3; code 0; lifetime 600; home address; home agent; identification.
    "reply": (
        RegistrationReply(0, 600, HOME, AGENT, IDENTIFICATION),
        _hex("03 00 0258 0a630002 c6336402 e8f1a2b3c4d5e6f7"),
    ),
    # Code 133 = 0x85.
    "denial": (
        RegistrationReply(133, 0, HOME, AGENT, IDENTIFICATION),
        _hex("03 85 0000 0a630002 c6336402 e8f1a2b3c4d5e6f7"),
    ),
    "tunnel_data": (
        TunnelData(4, _hex("4500001c 00010000 40014646 0a630002 c6336402", "0800f7f7 00070001")),
        _hex(
            "04 04 0000",  # RFC 3519 section 3.3: type 4; next header 4 (IP); reserved
            "45 00 001c 0001 0000 40 01 4646 0a630002 c6336402",  # 20 + 8 octets; TTL 64; ICMP; checksum
            "08 00 f7f7 0007 0001",  # echo request; ~(0800 + 0007 + 0001); identifier 7; sequence 1
        ),
    ),
    # RFC 3543 section 3.3: type 7; reserved; A = I = 1; home; home domain; foreign domain; identifier.
    "revocation": (
        Revocation(HOME, AGENT, CARE_OF, 0x65A0B1C2, True, True),
        _hex("07 00 c000 0a630002 c6336402 c000020a 65a0b1c2"),
    ),
    "revocation_by_home": (
        Revocation(HOME, AGENT, CARE_OF, 5, True, False),
        _hex("07 00 8000 0a630002 c6336402 c000020a 00000005"),
    ),
    "revocation_by_foreign": (
        Revocation(HOME, AGENT, CARE_OF, 6, False, True),
        _hex("07 00 4000 0a630002 c6336402 c000020a 00000006"),
    ),
    # Section 3.4: type 15; reserved; I = 1; home; identifier.
    "acknowledgment_inform": (
        RevocationAcknowledgment(HOME, 0x65A0B1C2, True),
        _hex("0f 00 8000 0a630002 65a0b1c2"),
    ),
    "acknowledgment": (RevocationAcknowledgment(HOME, 5), _hex("0f 00 0000 0a630002 00000005")),
}


def compound(base, *names):
    """(value, octets) of the message `base` with the named extensions behind it."""
    message, octets = MESSAGES[base]
    extensions = []
    for name in names:
        extension, more = EXTENSIONS[name]
        extensions.append(placed(extension, len(octets)))
        octets += more
    return message._replace(extensions=tuple(extensions)), octets


_REQUEST_PATH = ("nai", "udp_request_forced", "network_request", "network_dynamic",
                 "normal_vendor", "mobile_home")  # fmt: skip
_VISIT = ("encapsulating_delivery", "challenge", "mn_aaa", "mobile_foreign")
_REPLY_PATH = ("nai", "udp_reply_forced", "network_explicit", "network_implicit", "message_from_home",
               "mobile_home")  # fmt: skip

COMPOUNDS = {
    "direct_request": compound("request", *_REQUEST_PATH),
    "visiting_request": compound("request", *_REQUEST_PATH, *_VISIT),
    "relayed_request": compound(
        "request",
        "mobile_home_sha256",
        "udp_request_via_foreign",
        "revocation_support_inform",
        "foreign_home",
    ),
    "multipath_request": compound(
        "request", "multipath", "flow_every_field", "flow_drop", "network_request", "mobile_home"
    ),
    "keyed_request": compound("request", "mobile_home", "gre_key", "revocation_support", "foreign_home"),
    "critical_request": compound("request", "critical_vendor", "mobile_home"),
    "accepted": compound("reply", *_REPLY_PATH),
    "accepted_relayed": compound(
        "reply", "mobile_home", "challenge", "message_from_foreign", "fa_error", "mobile_foreign"
    ),
    "declined_tunnel": compound("reply", "udp_reply_declined", "mobile_home", "gre_key", "foreign_home"),
    "assigned_request": compound("request", "nai", "requested_home_agent", "mobile_home"),
    "redirected": compound("denial", "redirected_home_agent", "mobile_home"),
    "flows_from_home": compound("reply", "flow_any", "flow_every_start", "mobile_home"),
    "revocation_signed": compound("revocation", "message_from_home", "foreign_home"),
    "acknowledgment_signed": compound("acknowledgment_inform", "mobile_home"),
}

DISCOVERY = {
    # RFC 1256 section 3: type 10; code 0; checksum ~0a00; reserved.
    "solicitation": (AgentSolicitation(), _hex("0a 00 f5ff 00000000")),
    # Type 9; code 0; checksum; one address of two words; lifetime 1800 = 0x0708; address; preference.
    "router": (
        AgentAdvertisement(1800, None, (RouterAddress(IPv4Address("10.50.0.1")),)),
        _hex("09 00 e4c2 01 02 0708 0a320001 00000000"),
    ),
    "foreign_agent": (
        AgentAdvertisement(
            30,
            MobilityAgent(
                258, 1800, (CARE_OF,), registration_required=True, busy=True, foreign_agent=True,
                minimal=True, reverse_tunnel=True, udp_tunnel=True, revocation=True,
            ),
            (RouterAddress(IPv4Address("192.0.2.1"), -1),),
            (24,), b"\x00\x11\x22\x33\x44\x55\x66\x77", routes_for_all=False,
        ),
        _hex(
            "09 10 3c08 01 02 001e",  # code 16; checksum; one address of two words; 30 s
            "c0000201 ffffffff",  # router address 192.0.2.1 with preference -1
            "10 0a 0102 0708 d9c0 c000020a",  # type 16; length 6 + 4; R B - F M - - T U X; care-of address
            "13 01 18",  # type 19; one prefix length
            "18 08 0011223344556677",  # type 24; challenge
            "00",  # type 0: makes the number of octets even
        ),
    ),
    "home_agent": (
        AgentAdvertisement(30, MobilityAgent(3, 0xFFFF, home_agent=True, gre=True, reverse_tunnel=True)),
        # No address; type 16; length 6; sequence 3; lifetime without end; H = 0x2000, G = 0x0400, T = 0x0100.
        _hex("09 00 c1d6 00 02 001e 10 06 0003 ffff 2500"),
    ),
}  # fmt: skip
"""ICMP messages; the checksums are one's complement sums, added up by hand."""
