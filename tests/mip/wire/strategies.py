"""Hypothesis strategies for every value of the wire, and for octets near them."""

from ipaddress import IPv4Address

from hypothesis import strategies as st

from router.mip.wire.advertisement import AgentAdvertisement, MobilityAgent, RouterAddress
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
from router.mip.wire.numbers import ExtensionType
from router.mip.wire.registration import RegistrationReply, RegistrationRequest
from router.mip.wire.revocation import Revocation, RevocationAcknowledgment, RevocationSupport
from router.mip.wire.selector import TrafficSelector
from router.mip.wire.udp_tunnel import TunnelData, UdpTunnelReply, UdpTunnelRequest
from router.mip.wire.vendor import CriticalVendor, NormalVendor
from tests.mip.wire.golden import COMPOUNDS, DISCOVERY, EXTENSIONS, MESSAGES, placed

octet, half = st.integers(0, 0xFF), st.integers(0, 0xFFFF)
word, double = st.integers(0, 0xFFFFFFFF), st.integers(0, 2**64 - 1)
addresses = word.map(IPv4Address)
flag = st.booleans()
KNOWN_TYPES = frozenset(map(int, ExtensionType))
UNKNOWN_SKIPPABLE = sorted({*range(128, 256)} - KNOWN_TYPES)
UNKNOWN_UNSKIPPABLE = sorted({*range(1, 128)} - KNOWN_TYPES)


def _ranges(top):
    """Inclusive ranges in 0..top, exact values and extremes among them."""
    value = st.integers(0, top)
    return st.none() | value.map(lambda at: (at, at)) | st.tuples(value, value).map(sorted).map(tuple)


selectors = st.builds(
    TrafficSelector, _ranges(0xFFFFFFFF), _ranges(0xFFFFFFFF), _ranges(0xFFFFFFFF), _ranges(0xFFFF),
    _ranges(0xFFFF), _ranges(63), _ranges(0xFF),
)  # fmt: skip

_bids = st.integers(1, 254)
multipaths = st.builds(
    lambda att, label, bid, flags: Multipath(att, label, bid, *flags),
    octet, st.integers(1, 255), _bids, st.sampled_from([(False, False), (True, False), (False, True)]),
)  # fmt: skip
flow_bindings = st.builds(
    FlowBinding, st.just(1), st.lists(_bids, min_size=1, max_size=8, unique=True).map(tuple), selectors
) | st.builds(FlowBinding, st.just(0), st.tuples(octet), selectors)


def _authentications(kinds, most, sub_type):
    return st.builds(
        lambda kind, spi, proof: Authentication(kind, spi, proof, 0, sub_type),
        st.sampled_from(kinds), word, st.binary(min_size=1, max_size=most),
    )  # fmt: skip


authentications = _authentications([32, 33, 34], 251, 0) | _authentications([36], 600, MN_AAA)

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=254).filter(
    lambda text: len(text.encode()) <= 254
)


def _simple(kind, body):
    return Unknown(kind, bytes((kind, len(body))) + body)


def _sub_typed(kind, sub_type, body):
    return _simple(kind, bytes((sub_type,)) + body)


def _long(kind, sub_type, body):
    return Unknown(kind, bytes((kind, sub_type)) + len(body).to_bytes(2, "big") + body)


unknowns = st.builds(_simple, st.sampled_from(UNKNOWN_SKIPPABLE), st.binary(max_size=255))
unknown_sub_types = (
    st.builds(_sub_typed, st.just(144), st.integers(1, 255), st.binary(max_size=20))
    | st.builds(_sub_typed, st.just(145), st.sampled_from([0, *range(3, 256)]), st.binary(max_size=20))
    | st.builds(_sub_typed, st.just(148), st.integers(3, 255), st.binary(max_size=20))
    | st.builds(
        _long, st.sampled_from([139, 154]), st.sampled_from([0, *range(3, 256)]), st.binary(max_size=300)
    )
)

extensions = st.one_of(
    authentications,
    multipaths,
    flow_bindings,
    unknowns,
    unknown_sub_types,
    st.builds(Challenge, st.binary(min_size=1, max_size=255)),
    st.builds(EncapsulatingDelivery),
    st.builds(DynamicHomeAgent, addresses, flag),
    st.builds(FaError, octet),
    st.builds(GreKey, word),
    st.builds(MessageString, _texts, flag),
    st.builds(MobileNetworkRequest, addresses, octet),
    st.builds(MobileNetworkAcknowledgement, octet, octet, addresses, flag),
    st.builds(Nai, st.binary(min_size=1, max_size=255)),
    st.builds(RevocationSupport, word, flag),
    st.builds(UdpTunnelRequest, flag, flag, octet, half),
    st.builds(UdpTunnelReply, octet, flag, half),
    st.builds(CriticalVendor, word, half, st.binary(max_size=600)),
    st.builds(NormalVendor, word, half, st.binary(max_size=247)),
)


def settled(message):
    """`message` with every authenticator standing where its octets will."""
    offset, result = len(message._replace(extensions=()).encode()), []
    for extension in message.extensions:
        result.append(placed(extension, offset))
        offset += len(extension.encode())
    return message._replace(extensions=tuple(result))


_extensions = st.lists(extensions, max_size=8).map(tuple)
requests = st.builds(
    RegistrationRequest, half, addresses, addresses, addresses, double, octet, _extensions
).map(settled)
replies = st.builds(RegistrationReply, octet, half, addresses, addresses, double, _extensions).map(settled)
revocations = st.builds(Revocation, addresses, addresses, addresses, word, flag, flag, _extensions).map(
    settled
)
acknowledgments = st.builds(RevocationAcknowledgment, addresses, word, flag, _extensions).map(settled)
tunnel_data = st.builds(TunnelData, octet, st.binary(max_size=100))
messages = st.one_of(requests, replies, revocations, acknowledgments, tunnel_data)


@st.composite
def _agents(draw):
    home, foreign = draw(st.sampled_from([(True, False), (False, True), (True, True)]))
    care_of = draw(st.lists(addresses, min_size=1 if foreign else 0, max_size=62))
    names = ["minimal", "gre", "reverse_tunnel", "udp_tunnel", "revocation"]
    names += ["registration_required", "busy"] if foreign else []
    flags = {name: draw(flag) for name in names}
    return MobilityAgent(
        draw(half), draw(half), tuple(care_of), home_agent=home, foreign_agent=foreign, **flags
    )


@st.composite
def _advertisements(draw):
    preferences = st.integers(-(2**31), 2**31 - 1)
    routers = draw(st.lists(st.builds(RouterAddress, addresses, preferences), max_size=8))
    lengths = st.lists(st.integers(0, 32), min_size=len(routers), max_size=len(routers))
    return AgentAdvertisement(
        draw(half), draw(st.none() | _agents()), tuple(routers), tuple(draw(st.just([]) | lengths)),
        draw(st.just(b"") | st.binary(min_size=4, max_size=255)), draw(flag),
    )  # fmt: skip


advertisements = _advertisements()

GOLDEN_OCTETS = [octets for _, octets in (*MESSAGES.values(), *COMPOUNDS.values())]
GOLDEN_OCTETS += [MESSAGES["request"][1] + octets for _, octets in EXTENSIONS.values()]
GOLDEN_DISCOVERY = [octets for _, octets in DISCOVERY.values()]


@st.composite
def mutated(draw, originals):
    """A golden packet after some changes: octets replaced, cut out, doubled, put in, the end cut off."""
    data = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["replace", "cut", "double", "insert", "end"])):
            case "replace" if at < len(data):
                data[at] = draw(octet)
            case "cut":
                del data[at : at + draw(st.integers(1, 8))]
            case "double":
                data[at:at] = data[at : at + draw(st.integers(1, 30))]
            case "insert":
                data[at:at] = draw(st.binary(min_size=1, max_size=8))
            case "end":
                del data[at:]
    return bytes(data)
