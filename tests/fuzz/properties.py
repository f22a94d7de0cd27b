"""What must hold for any octets that arrive: the fuzzer looks for octets where it does not."""

from router.mip.wire.advertisement import BadIcmp, decode_icmp
from router.mip.wire.checksum import checksum
from router.mip.wire.extension import Malformed
from router.mip.wire.message import Reject, decode


def check(data):
    """Decode `data` as a message and as ICMP; write what was understood, and read it again."""
    _message(data)
    _discovery(data)
    if len(data) >= 4:
        # With its checksum put right, or hardly any change of a packet would be read further.
        blank = data[:2] + bytes(2) + data[4:]
        _discovery(data[:2] + checksum(blank).to_bytes(2, "big") + data[4:])


def _message(data):
    first = decode(data)
    if isinstance(first, Reject):
        return
    extensions = getattr(first, "extensions", ())
    if any(isinstance(extension, Malformed) for extension in extensions):
        return
    octets = first.encode()
    second = decode(octets)
    assert type(second) is type(first), (first, second)
    assert [type(x) for x in getattr(second, "extensions", ())] == [type(x) for x in extensions]
    assert second.encode() == octets, (first, second)


def _discovery(data):
    first = decode_icmp(data)
    if first is None or isinstance(first, BadIcmp):
        return
    second = decode_icmp(first.encode())
    assert second == first, (first, second)
