"""Numbers of Mobile IPv4 (IANA "Mobile IPv4 Numbers", "Mobility Parameters")."""

from __future__ import annotations

from enum import IntEnum

__all__ = [
    "INFINITE_LIFETIME",
    "PORT",
    "RESERVED_SPI",
    "AccessTechnology",
    "AdvertisementExtension",
    "Encapsulation",
    "ExtensionType",
    "FlowAction",
    "MessageType",
    "MobileNetworkCode",
    "ReplyCode",
]

PORT = 434
INFINITE_LIFETIME = 0xFFFF
RESERVED_SPI = range(256)
"""Never an ordinary security parameter index (RFC 5944 section 1.6)."""


class MessageType(IntEnum):
    REGISTRATION_REQUEST = 1
    REGISTRATION_REPLY = 3
    TUNNEL_DATA = 4  # RFC 3519 section 3.3
    REVOCATION = 7  # RFC 3543 section 3.3
    REVOCATION_ACKNOWLEDGMENT = 15  # RFC 3543 section 3.4


class ExtensionType(IntEnum):
    """Extensions of control messages; 0..127 may not be skipped."""

    PADDING = 0
    MOBILE_HOME_AUTHENTICATION = 32
    MOBILE_FOREIGN_AUTHENTICATION = 33
    FOREIGN_HOME_AUTHENTICATION = 34
    GENERALIZED_AUTHENTICATION = 36  # RFC 4721
    CRITICAL_VENDOR = 38  # RFC 3115
    UDP_TUNNEL_REPLY = 44  # RFC 3519
    FA_ERROR = 45  # RFC 4636
    GRE_KEY = 48  # RFC 6245
    ENCAPSULATING_DELIVERY = 130  # RFC 3024
    MN_NAI = 131  # RFC 2794
    CHALLENGE = 132  # RFC 4721
    NORMAL_VENDOR = 134  # RFC 3115
    REVOCATION_SUPPORT = 137  # RFC 3543
    DYNAMIC_HOME_AGENT = 139  # RFC 4433
    UDP_TUNNEL_REQUEST = 144  # RFC 3519
    MESSAGE_STRING = 145  # RFC 4917
    MOBILE_NETWORK = 148  # RFC 5177
    MULTIPATH = 154  # RFC 7629


class AdvertisementExtension(IntEnum):
    """Extensions of ICMP router discovery messages: a number space of their own."""

    PADDING = 0
    MOBILITY_AGENT = 16
    PREFIX_LENGTHS = 19
    CHALLENGE = 24  # RFC 4721


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
    FA_MN_TOO_DISTANT = 76
    FA_INVALID_CARE_OF_ADDRESS = 77
    FA_REGISTRATION_TIMEOUT = 78
    FA_DELIVERY_STYLE_UNSUPPORTED = 79
    FA_HOME_NETWORK_UNREACHABLE = 80
    FA_HOME_AGENT_HOST_UNREACHABLE = 81
    FA_HOME_AGENT_PORT_UNREACHABLE = 82
    FA_HOME_AGENT_UNREACHABLE = 88
    FA_NONZERO_HOME_AGENT_REQUIRED = 90  # RFC 4433
    FA_NONZERO_HOME_ADDRESS_REQUIRED = 96  # RFC 2794
    FA_MISSING_NAI = 97
    FA_MISSING_HOME_AGENT = 98
    FA_MISSING_HOME_ADDRESS = 99
    FA_UNKNOWN_CVSE_FROM_MN = 100  # RFC 3115
    FA_UNKNOWN_CVSE_FROM_HA = 101
    FA_UNKNOWN_CHALLENGE = 104  # RFC 4721
    FA_MISSING_CHALLENGE = 105
    FA_STALE_CHALLENGE = 106
    FA_BAD_AAA_AUTHENTICATION = 108
    FA_HA_WRONG_CHALLENGE = 109
    FA_INVALID_HOME_AGENT_ADDRESS = 116
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
    HA_UNKNOWN_CVSE_FROM_MN = 140
    HA_UNKNOWN_CVSE_FROM_FA = 141
    HA_UDP_ENCAPSULATION_UNAVAILABLE = 142
    HA_REDIRECT = 143  # RFC 4433
    HA_BAD_AAA_AUTHENTICATION = 144
    HA_MOBNET_ERROR = 147
    HA_MOBNET_DISALLOWED = 148
    MULTIPATH_NOT_ALLOWED = 152
    INVALID_FB_IDENTIFIER = 153
    INVALID_HOME_AGENT_ADDRESS_IN_TEXT = 194
    """What RFC 5944 prints for 116; the registry has 116 and reserves 194."""

    @property
    def is_from_home_agent(self) -> bool:
        """Whether such a reply must carry the home agent's authenticator."""
        return self <= ReplyCode.ACCEPTED_NO_SIMULTANEOUS or self >= ReplyCode.HA_REASON_UNSPECIFIED


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
