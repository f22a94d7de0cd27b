"""Numbers of Mobile IPv4 (IANA "Mobile IPv4 Numbers", "Mobility Parameters")."""

from __future__ import annotations

from enum import IntEnum

__all__ = [
    "INFINITE_LIFETIME",
    "PORT",
    "AccessTechnology",
    "Encapsulation",
    "ExtensionType",
    "FlowAction",
    "MessageType",
    "MobileNetworkCode",
    "ReplyCode",
]

PORT = 434
INFINITE_LIFETIME = 0xFFFF


class MessageType(IntEnum):
    REGISTRATION_REQUEST = 1
    REGISTRATION_REPLY = 3
    TUNNEL_DATA = 4  # RFC 3519 section 3.3


class ExtensionType(IntEnum):
    PADDING = 0
    MOBILE_HOME_AUTHENTICATION = 32
    MOBILE_FOREIGN_AUTHENTICATION = 33
    FOREIGN_HOME_AUTHENTICATION = 34
    GENERALIZED_AUTHENTICATION = 36  # RFC 4721
    CRITICAL_VENDOR = 38  # RFC 3115
    UDP_TUNNEL_REPLY = 44  # RFC 3519
    FA_ERROR = 45  # RFC 4636
    GRE_KEY = 48  # RFC 6245
    MN_NAI = 131  # RFC 2794
    CHALLENGE = 132  # RFC 4721
    DYNAMIC_HOME_AGENT = 139  # RFC 4433
    UDP_TUNNEL_REQUEST = 144  # RFC 3519
    MESSAGE_STRING = 145  # RFC 4917
    MOBILE_NETWORK = 148  # RFC 5177
    MULTIPATH = 154  # RFC 7629


class ReplyCode(IntEnum):
    """Registration Reply codes; 64..127 are a foreign agent's, 128 and up a home agent's."""

    ACCEPTED = 0
    ACCEPTED_NO_SIMULTANEOUS = 1
    FA_REASON_UNSPECIFIED = 64
    FA_ADMINISTRATIVELY_PROHIBITED = 65
    FA_INSUFFICIENT_RESOURCES = 66
    FA_MN_FAILED_AUTHENTICATION = 67
    FA_HA_FAILED_AUTHENTICATION = 68
    FA_LIFETIME_TOO_LONG = 69
    FA_POORLY_FORMED_REQUEST = 70
    FA_POORLY_FORMED_REPLY = 71
    FA_ENCAPSULATION_UNAVAILABLE = 72
    FA_REVERSE_TUNNEL_UNAVAILABLE = 74
    FA_REVERSE_TUNNEL_MANDATORY = 75
    FA_INVALID_CARE_OF_ADDRESS = 77
    FA_REGISTRATION_TIMEOUT = 78
    HA_REASON_UNSPECIFIED = 128
    HA_ADMINISTRATIVELY_PROHIBITED = 129
    HA_INSUFFICIENT_RESOURCES = 130
    HA_MN_FAILED_AUTHENTICATION = 131
    HA_FA_FAILED_AUTHENTICATION = 132
    HA_IDENTIFICATION_MISMATCH = 133
    HA_POORLY_FORMED_REQUEST = 134
    HA_TOO_MANY_BINDINGS = 135
    HA_UNKNOWN_HOME_AGENT = 136
    HA_REVERSE_TUNNEL_UNAVAILABLE = 137
    HA_REVERSE_TUNNEL_MANDATORY = 138
    HA_ENCAPSULATION_UNAVAILABLE = 139
    HA_UDP_ENCAPSULATION_UNAVAILABLE = 142
    HA_MOBNET_ERROR = 147
    HA_MOBNET_DISALLOWED = 148
    MULTIPATH_NOT_ALLOWED = 152
    INVALID_FB_IDENTIFIER = 153


class MobileNetworkCode(IntEnum):
    """Codes of a Mobile Network Acknowledgement (RFC 5177 section 4.2)."""

    SUCCESS = 0
    INVALID_PREFIX_LENGTH = 1
    UNAUTHORIZED = 2
    FORWARDING_SETUP_FAILED = 3
    UNASSIGNED = 4  # RFC 6626


class AccessTechnology(IntEnum):
    """If-ATT of the Multipath extension: the registry of RFC 5213."""

    VIRTUAL = 1
    PPP = 2
    IEEE_802_3 = 3
    IEEE_802_11 = 4
    IEEE_802_16 = 5
    GERAN = 6
    UTRAN = 7
    E_UTRAN = 8
    NB_IOT = 13


class Encapsulation(IntEnum):
    """IP protocol numbers as RFC 3519 uses them; 0 follows the M and G flags."""

    BY_FLAGS = 0
    IP_IN_IP = 4
    GRE = 47
    MINIMAL = 55


class FlowAction(IntEnum):
    """Action of a Flow-Binding extension (RFC 7629 section 4.2)."""

    DROP = 0
    FORWARD = 1
