"""One way to the home agent, tried: echoes (RFC 792) and the request that changes nothing, side by side.  Pure.

Once an echo came back, one follows that fills the link's MTU and may not be fragmented, and where that is lost some
of the sizes that networks have: what comes back says how large packets may be, whatever ICMP is filtered.

Seconds and octets in, octets and a verdict out.  A request whose time stamp is refused is sent once more with the
home agent's own time, so that a wrong clock does not hide what else is wrong.
"""

from openwrt.rescue.registration import MISMATCH, clock_off, packed

AGAIN = 0.7
"""Seconds until what is not answered is sent again."""
PATIENCE = 2.4
"""Seconds until a way is given up."""
FULL_PATIENCE = 0.6
"""Seconds beyond a round trip until a packet as large as the link takes is taken for lost."""
_SIZES = (1492, 1480, 1460, 1440, 1420, 1400, 1358, 1280, 1000, 576)
"""Octets with PPPoE, tunnels in IP, mobile networks, IPv6's least and IPv4's."""
_LARGEST = 1500
_HEADERS = 28
_ECHO, _ECHO_REPLY, _UNREACHABLE = 8, 0, 3
_WHY = {0: "net", 1: "host", 3: "port", 9: "prohibited", 10: "prohibited", 13: "prohibited"}

TYPE_CHECKING = False
if TYPE_CHECKING:
    from openwrt.rescue.registration import Association


class PathTest:
    """`number` tells this test's echoes from others'."""

    def __init__(
        self, association: "Association", care_of: str, mtu: int, number: int, wall_ns: int, now: float
    ) -> None:
        self.echo: float | None = None
        """Seconds to the home agent and back."""
        self.path_mtu: int | None = None
        """The largest packet, in octets, whose echo came back; None where no large one did."""
        self.answer: dict[str, object] | None = None
        """What the home agent replied, with `ms`, the time it took."""
        self.refused: tuple[str, str] | None = None
        """(what is unreachable: net, host, port, prohibited; who says so)."""
        self.clock_off: float | None = None
        """Seconds that the home agent's clock is ahead, if that is too much for it."""
        self._association = association
        self._care_of = care_of
        self._mtu = min(mtu, _LARGEST)
        self._to_measure = [self._mtu]
        self._next_size = now
        self._number = number
        self._wall_ns = wall_ns
        self._begun = self._echoed = now
        self._deadline = now + PATIENCE
        self._next_echo = self._next_request = now
        self._sent: dict[int, float] = {}
        """When each request went out, by its time stamp."""
        self._shift = 0
        self._believed = False

    @property
    def done(self) -> bool:
        return self.echo is not None and self._believed and self.path_mtu == self._mtu

    def over(self, now: float) -> bool:
        return self.done or now >= self._deadline

    def next_wake(self) -> float:
        moments = [self._deadline]
        if self.echo is None:
            moments.append(self._next_echo)
        elif self.path_mtu != self._mtu:
            moments.append(self._next_size)
        moments += [] if self._believed else [self._next_request]
        return min(moments)

    def echo_request(self, now: float) -> "bytes | None":
        """The ICMP message that is due."""
        if self.echo is not None or now < self._next_echo:
            return None
        self._next_echo, self._echoed = now + AGAIN, now
        return _echo(self._number, 0, b"roamd-rescue")

    def sized_echoes(self, now: float) -> "list[bytes]":
        """The ICMP messages that are due to measure with; their packets must not be fragmented."""
        if self.echo is None or now < self._next_size or self.path_mtu == self._mtu:
            return []
        sizes, self._to_measure = self._to_measure, []
        if sizes == [self._mtu]:
            # The full one again, since any packet may be lost.
            self._to_measure = sizes + [size for size in _SIZES if size < self._mtu]
        self._next_size = now + (self.echo + FULL_PATIENCE if self._to_measure else PATIENCE)
        return [_echo(self._number, size, bytes(size - _HEADERS)) for size in sizes]

    def request(self, now: float) -> "bytes | None":
        """The Registration Request that is due: each with a time stamp of its own."""
        if self._believed or now < self._next_request:
            return None
        self._next_request = now + AGAIN
        stamp = self._association.identification(self._wall_ns + int((now - self._begun) * 1000000000))
        stamp = (stamp + (self._shift << 32)) & 0xFFFFFFFFFFFFFFFF
        self._sent[stamp] = now
        return self._association.request(self._care_of, stamp)

    def heard_icmp(self, octets: bytes, now: float) -> None:
        """A datagram with its IP header, as raw sockets give it."""
        start = (octets[0] & 15) * 4 if octets else 0
        message = octets[start:]
        if len(message) < 8:
            return
        agent = packed(self._association.home_agent)
        if message[0] == _ECHO_REPLY and octets[12:16] == agent:
            size = int.from_bytes(message[6:8], "big")
            if int.from_bytes(message[4:6], "big") != self._number:
                return
            if size:
                self.path_mtu = max(size, self.path_mtu or 0)
            elif self.echo is None:
                self.echo = now - self._echoed
                self._next_size = now
        elif message[0] == _UNREACHABLE and message[24:28] == agent and message[17:18] == b"\x11":
            self.refused = (_WHY.get(message[1], "code %d" % message[1]), _source(octets))

    def heard_udp(self, octets: bytes, now: float) -> None:
        """A datagram from the home agent's port 434."""
        reply = self._association.reply(octets)
        if reply is None or self._believed:
            return
        answered = int(str(reply["identification"]))
        sent = [stamp for stamp in self._sent if stamp & 0xFFFFFFFF == answered & 0xFFFFFFFF]
        if not sent:
            return
        mismatch = reply["code"] == MISMATCH and reply["authentic"] and self._association.multipath
        if mismatch and self.clock_off is None:
            self.clock_off = clock_off(sent[0], answered)
            self._shift = int(self.clock_off)
            self._next_request = now
            return
        reply["ms"] = round((now - self._sent[sent[0]]) * 1000)
        # An answer that anybody may have made must not hide the home agent's own.
        self.answer, self._believed = reply, bool(reply["authentic"])


def _echo(number: int, sequence: int, data: bytes) -> bytes:
    """An echo request; the sequence number of a sized one is its size."""
    body = bytes([_ECHO, 0, 0, 0]) + number.to_bytes(2, "big") + sequence.to_bytes(2, "big") + data
    total = sum([body[at] << 8 | body[at + 1] for at in range(0, len(body) & ~1, 2)])
    total += body[-1] << 8 if len(body) & 1 else 0
    total = (total & 0xFFFF) + (total >> 16)
    checksum = ~(total + (total >> 16)) & 0xFFFF
    return body[:2] + checksum.to_bytes(2, "big") + body[4:]


def _source(octets: bytes) -> str:
    return ".".join([str(octet) for octet in octets[12:16]])
