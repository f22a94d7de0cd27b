"""What tshark says of a packet, and what our values say in tshark's names.

`dissected` reads its PDML; `meant` lists (field, value) for a message or an
extension, where a value is a number, an address, or octets.
"""

from functools import singledispatch
from ipaddress import IPv4Address
from typing import NamedTuple
from xml.etree import ElementTree

from router.mip.wire.authentication import Authentication
from router.mip.wire.challenge import Challenge
from router.mip.wire.delivery import EncapsulatingDelivery
from router.mip.wire.fa_error import FaError
from router.mip.wire.message_string import MessageString
from router.mip.wire.mobile_network import MobileNetworkAcknowledgement, MobileNetworkRequest
from router.mip.wire.nai import Nai
from router.mip.wire.registration import B, D, G, M, RegistrationReply, RegistrationRequest, S, T
from router.mip.wire.revocation import Revocation, RevocationAcknowledgment, RevocationSupport
from router.mip.wire.udp_tunnel import TunnelData, UdpTunnelReply, UdpTunnelRequest
from router.mip.wire.vendor import CriticalVendor, NormalVendor


class Tree(NamedTuple):
    """The fields of one message or extension, subfields included, extensions apart; values in hex."""

    offset: int
    fields: dict[str, list[str]]
    children: list["Tree"]

    def says(self, name, value):
        """Whether the field stands here exactly once, with this value."""
        found = self.fields.get(name)
        return found == [value.hex()] if isinstance(value, bytes) else _numbers(found) == [int(value)]

    def __getitem__(self, name):
        (found,) = _numbers(self.fields[name])
        return found


class Packet(NamedTuple):
    protocols: dict[str, list[Tree]]
    malformed: bool


def dissected(pdml):
    """A `Packet` for every one in the octets of a PDML document."""
    return [_packet(element) for element in ElementTree.fromstring(pdml).iter("packet")]


def _packet(element):
    protocols = {}
    for proto in element.iter("proto"):
        protocols.setdefault(proto.get("name"), []).append(_tree(proto))
    return Packet(protocols, "_ws.malformed" in protocols)


def _tree(element):
    start = int(element.get("pos", 0))
    fields, children = {}, []
    for field in element.findall("field"):
        _collect(field, fields, children, start)
    return Tree(start, fields, children)


def _collect(field, fields, children, start):
    name, show = field.get("name"), field.get("show", "")
    if name == "" and show.startswith(("Extension: ", "Ext: ")):
        children.append(_tree(field)._replace(offset=int(field.get("pos")) - start))
        return
    if name:
        fields.setdefault(name, []).append(field.get("value", show))
    for child in field.findall("field"):
        _collect(child, fields, children, start)


def _numbers(found):
    return None if found is None else [int(value, 16) for value in found]


def _bits(prefix, flags, **masks):
    return [(prefix + name, int(bool(flags & mask))) for name, mask in masks.items()]


@singledispatch
def meant(value):
    raise NotImplementedError(type(value))


@meant.register
def _(value: RegistrationRequest):
    flags = _bits("mip.", value.flags, s=S, b=B, d=D, m=M, g=G, t=T, v=0, x=0)
    return [
        ("mip.type", 1), ("mip.flags", value.flags), *flags, ("mip.life", value.lifetime),
        ("mip.homeaddr", value.home_address), ("mip.haaddr", value.home_agent), ("mip.coa", value.care_of_address),
        ("mip.ident", value.identification),
    ]  # fmt: skip


@meant.register
def _(value: RegistrationReply):
    return [
        ("mip.type", 3), ("mip.code", value.code), ("mip.life", value.lifetime),
        ("mip.homeaddr", value.home_address), ("mip.haaddr", value.home_agent), ("mip.ident", value.identification),
    ]  # fmt: skip


@meant.register
def _(value: TunnelData):
    return [("mip.type", 4), ("mip.nattt.nexthdr", value.next_header), ("mip.nattt.reserved", 0)]


@meant.register
def _(value: Revocation):
    return [
        ("mip.type", 7), ("mip.rev.a", value.by_home_agent), ("mip.rev.i", value.inform),
        ("mip.rev.reserved", 0), ("mip.rev.reserved2", 0), ("mip.homeaddr", value.home_address),
        ("mip.rev.hda", value.home_domain_address), ("mip.rev.fda", value.foreign_domain_address),
        ("mip.revid", value.identifier),
    ]  # fmt: skip


@meant.register
def _(value: RevocationAcknowledgment):
    return [
        ("mip.type", 15), ("mip.ack.i", value.inform), ("mip.ack.reserved", 0), ("mip.ack.reserved2", 0),
        ("mip.homeaddr", value.home_address), ("mip.revid", value.identifier),
    ]  # fmt: skip


def _extension(kind, length, *more):
    return [("mip.ext.type", kind), ("mip.ext.len", length), *more]


@meant.register
def _(value: Authentication):
    sub_type = [("mip.ext.auth.subtype", value.sub_type)] if value.type == 36 else []
    proof = [("mip.auth.spi", value.spi), ("mip.auth.auth", value.authenticator)]
    return _extension(value.type, 4 + len(value.authenticator), *sub_type, *proof)


@meant.register
def _(value: CriticalVendor):
    return _extension(
        38, 6 + len(value.value), ("mip.ext.cvse.reserved", 0), ("mip.ext.cvse.vendor_id", value.vendor),
        ("mip.ext.cvse.vendor_type", value.vendor_type), ("mip.ext.cvse.vendor_value", value.value),
    )  # fmt: skip


@meant.register
def _(value: NormalVendor):
    return _extension(
        134, 8 + len(value.value), ("mip.ext.nvse.reserved", 0), ("mip.ext.nvse.vendor_id", value.vendor),
        ("mip.ext.nvse.vendor_type", value.vendor_type), ("mip.ext.nvse.vendor_value", value.value),
    )  # fmt: skip


@meant.register
def _(value: UdpTunnelReply):
    return _extension(
        44, 6, ("mip.ext.utrp.subtype", 0), ("mip.ext.utrp.code", value.code), ("mip.ext.utrp.f", value.forced),
        ("mip.ext.utrp.reserved", 0), ("mip.ext.utrp.keepalive", value.keepalive),
    )  # fmt: skip


@meant.register
def _(value: UdpTunnelRequest):
    return _extension(
        144, 6, ("mip.ext.utrq.subtype", 0), ("mip.ext.utrq.reserved1", 0), ("mip.ext.utrq.f", value.force),
        ("mip.ext.utrq.r", value.via_foreign_agent), ("mip.ext.utrq.reserved2", 0),
        ("mip.ext.utrq.encaptype", value.encapsulation), ("mip.ext.utrq.reserved3", value.reserved),
    )  # fmt: skip


@meant.register
def _(value: FaError):
    return _extension(45, 2, ("mip.extension", bytes((0, value.status))))


@meant.register
def _(_value: EncapsulatingDelivery):
    return _extension(130, 0, ("mip.extension", b""))


@meant.register
def _(value: Nai):
    return _extension(131, len(value.nai), ("mip.nai", value.nai))


@meant.register
def _(value: Challenge):
    return _extension(132, len(value.value), ("mip.extension", value.value))


@meant.register
def _(value: RevocationSupport):
    return _extension(
        137, 6, ("mip.ext.rev.i", value.inform), ("mip.ext.rev.reserved", 0),
        ("mip.ext.rev.tstamp", value.timestamp),
    )  # fmt: skip


@meant.register
def _(value: MessageString):
    text = value.text.encode()
    sub_type = 2 if value.from_foreign_agent else 1
    return _extension(145, 1 + len(text), ("mip.ext.msgstr.subtype", sub_type), ("mip.ext.msgstr.text", text))


@meant.register
def _(value: MobileNetworkRequest):
    return _extension(148, 6, *_network(0, value))


@meant.register
def _(value: MobileNetworkAcknowledgement):
    code = [("mip.ext.mne.code", value.code), ("mip.ext.mne.reserved", 0)]
    return _extension(148, 8, *_network(2 if value.implicit else 1, value), *code)


def _network(sub_type, value):
    prefix: IPv4Address = value.address
    return [
        ("mip.ext.mne.subtype", sub_type), ("mip.ext.mne.prefix_length", value.prefix_length),
        ("mip.ext.mne.prefix", prefix),
    ]  # fmt: skip
