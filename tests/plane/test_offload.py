"""Super-packets cut and joined, against packets built and summed up another way."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.plane.offload import HEADER_SIZE, joined, ones_sum, runs, segment, trains

SOURCE, DESTINATION = bytes((10, 50, 0, 10)), bytes((203, 0, 113, 10))
FIN, SYN, PSH, ACK, ECE, CWR = 1, 2, 8, 16, 64, 128
PLAIN = bytes(HEADER_SIZE)
TIMESTAMPS = bytes.fromhex("0101080a0000000100000002")
OPTIONS = st.sampled_from([b"", TIMESTAMPS, bytes([1]) * 40])


def words(data):
    """The Internet checksum, word by word."""
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def pseudo(protocol, length):
    return SOURCE + DESTINATION + struct.pack("!HH", protocol, length)


def ip(payload, *, tos=0, number=7, fragment=0x4000, ttl=63, protocol=6, options=b""):
    first = 0x45 + len(options) // 4
    fields = (first, tos, 20 + len(options) + len(payload), number & 0xFFFF, fragment, ttl, protocol)
    header = struct.pack("!BBHHHBBH", *fields, 0) + SOURCE + DESTINATION + options
    return header[:10] + struct.pack("!H", words(header)) + header[12:] + payload


def tcp(
    data, *, sequence=100, acknowledged=5, flags=ACK, window=500, options=b"", ports=(4000, 80), **fields
):
    offset = (5 + len(options) // 4) << 4
    sequence &= 0xFFFFFFFF
    header = struct.pack("!HHIIBBHHH", *ports, sequence, acknowledged, offset, flags, window, 0, 0)
    whole = header + options + data
    value = words(pseudo(6, len(whole)) + whole)
    ip_options = fields.pop("ip_options", b"")
    return ip(whole[:16] + struct.pack("!H", value) + whole[18:], options=ip_options, **fields)


def stream(data, size, *, sequence=100, number=7, flags=ACK, **fields):
    """Segments of `size` octets; `flags` as a super-packet has them."""
    found = []
    for at in range(0, len(data), size):
        left = flags if at + size >= len(data) else flags & ~(FIN | PSH)
        left = left & ~CWR if at else left
        of_one = {"sequence": sequence + at, "number": number + at // size, "flags": left}
        found.append(tcp(data[at : at + size], **of_one, **fields))
    return found


def super_packet(data, size, *, options=b"", ip_options=b"", **fields):
    """As the kernel hands it over; the checksum is the pseudo-header's, not yet complemented."""
    whole = bytearray(tcp(data, options=options, ip_options=ip_options, **fields))
    start = 20 + len(ip_options)
    whole[start + 16 : start + 18] = struct.pack("!H", 0xFFFF - words(pseudo(6, len(whole) - start)))
    header = struct.pack("=BBHHHH", 1, 1, start + 20 + len(options), size, start, 16)
    return header + bytes(whole)


class TestSegment:
    @given(
        data=st.binary(min_size=1, max_size=6000),
        size=st.integers(1, 1500),
        flags=st.sampled_from([ACK, ACK | PSH, ACK | FIN | PSH, ACK | CWR, ACK | ECE | CWR | PSH]),
        options=OPTIONS,
        ip_options=st.sampled_from([b"", bytes([1]) * 8]),
        sequence=st.sampled_from([0, 1, 0xFFFFFF00]),
        number=st.sampled_from([0, 0xFFFE]),
    )
    def test_gives_what_the_sender_would_have_sent(self, data, size, flags, **fields):
        size = max(size, len(data) // 64)
        found = segment(super_packet(data, size, flags=flags, **fields))
        assert found == stream(data, size, flags=flags, **fields)

    def test_64_kib(self):
        data = bytes(range(256)) * 255
        assert segment(super_packet(data, 1448, options=TIMESTAMPS)) == stream(data, 1448, options=TIMESTAMPS)

    @pytest.mark.parametrize("flags", [0, 2], ids=["nothing said", "known to be right"])
    def test_what_is_whole_stays(self, flags):
        packet = tcp(b"data")
        assert segment(bytes([flags]) + PLAIN[1:] + packet) == [packet]

    @given(data=st.binary(max_size=1500))
    def test_a_tcp_checksum_is_completed(self, data):
        whole = super_packet(data, 1, options=TIMESTAMPS)
        (packet,) = segment(whole[:1] + b"\0" + whole[2:])
        assert words(pseudo(6, len(packet) - 20) + packet[20:]) == 0
        assert packet == tcp(data, options=TIMESTAMPS)

    @given(data=st.binary(max_size=1500))
    def test_a_udp_checksum_is_completed(self, data):
        length = 8 + len(data)
        sum_so_far = 0xFFFF - words(pseudo(17, length))
        datagram = struct.pack("!HHHH", 53, 4000, length, sum_so_far) + data
        header = struct.pack("=BBHHHH", 1, 0, 28, 0, 20, 6)
        (packet,) = segment(header + ip(datagram, protocol=17))
        assert words(pseudo(17, length) + packet[20:]) == 0
        assert packet[:26] + packet[28:] == ip(datagram, protocol=17)[:26] + data

    def test_a_udp_checksum_is_never_zero(self):
        datagram = struct.pack("!HHHH", 0, 0, 0, 0xFFFF)
        (packet,) = segment(struct.pack("=BBHHHH", 1, 0, 28, 0, 20, 6) + ip(datagram, protocol=17))
        assert packet[26:28] == b"\xff\xff"

    @given(st.binary(max_size=100))
    def test_rubbish(self, data):
        assert all(isinstance(packet, bytes) for packet in segment(data))

    @given(
        header=st.tuples(*[st.sampled_from([0, 1, 3, 4, 5])] * 2, *[st.integers(0, 0xFFFF)] * 4),
        packet=st.binary(max_size=100) | st.just(b"\x60" + bytes(60)) | st.just(b"\x45" + bytes(60)),
    )
    def test_rubbish_behind_a_header(self, header, packet):
        assert all(isinstance(packet, bytes) for packet in segment(struct.pack("=BBHHHH", *header) + packet))


def without_number(packet):
    """With DF, the IP id says nothing (RFC 6864 section 4.1)."""
    return packet[:4] + packet[6:10] + packet[12:]


class TestRuns:
    @given(
        data=st.binary(min_size=1, max_size=6000),
        size=st.integers(1, 1500),
        psh=st.booleans(),
        options=OPTIONS,
        sequence=st.sampled_from([0, 0xFFFFFF00]),
        number=st.sampled_from([0, 0xFFFE]),
    )
    def test_joined_and_cut_again_it_is_the_same(self, data, size, psh, **fields):
        size = max(size, len(data) // 64)
        packets = stream(data, size, flags=ACK | PSH if psh else ACK, **fields)
        found = runs(packets)
        assert found == [packets]
        written = joined(packets)
        assert segment(written) == packets
        if len(packets) > 1:
            assert written == super_packet(data, size, flags=ACK | PSH if psh else ACK, **fields)

    def test_as_much_as_a_packet_may_have(self):
        packets = stream(bytes(100_000), 1400)
        found = runs(packets)
        assert [packet for run in found for packet in run] == packets
        assert [len(run) for run in found] == [46, 26]
        assert all(len(joined(run)) <= HEADER_SIZE + 65535 for run in found)

    @given(
        st.lists(
            st.builds(
                tcp,
                st.sampled_from([b"", b"1", b"12", b"34"]),
                sequence=st.integers(100, 106),
                flags=st.sampled_from([ACK, ACK, ACK | PSH, ACK | FIN, SYN]),
                ttl=st.sampled_from([63, 63, 63, 62]),
            )
            | st.binary(max_size=80)
            | st.just(ip(bytes(8), protocol=17)),
            max_size=12,
        )
    )
    def test_nothing_is_lost_or_changes_places(self, packets):
        found = runs(packets)
        assert [packet for run in found for packet in run] == packets
        for run in found:
            again = segment(joined(run))
            assert list(map(without_number, again)) == list(map(without_number, run))

    @given(which=st.integers(0, 3), bit=st.integers(0, 8 * 140 - 1))
    def test_what_is_spoilt_stays_as_it_is(self, which, bit):
        packets = stream(bytes(range(200)) * 2, 100)
        spoilt = bytearray(packets[which])
        spoilt[bit // 8] ^= 1 << bit % 8
        packets[which] = bytes(spoilt)
        found = runs(packets)
        assert [packets[which]] in found
        assert [packet for run in found for packet in run] == packets
        assert joined([packets[which]]) == PLAIN + packets[which]

    @pytest.mark.parametrize(
        "other",
        [
            {"acknowledged": 6},
            {"window": 501},
            {"ttl": 62},
            {"tos": 0x02},
            {"options": TIMESTAMPS},
            {"sequence": 109},
            {"sequence": 111},
            {"sequence": 100},
            {"flags": ACK | FIN},
            {"flags": ACK | ECE},
            {"flags": ACK | CWR},
            {"flags": ACK | SYN},
            {"fragment": 0},
            {"fragment": 0x6000},
            {"fragment": 0x4001},
            {"ports": (4001, 80)},
            {"ports": (4000, 81)},
            {"data": b""},
            {"data": bytes(11)},
            {"ip_options": bytes([1]) * 4},
        ],
        ids=str,
    )
    def test_not_of_the_same_run(self, other):
        packets = [tcp(bytes(10)), tcp(**{"data": bytes(10), "sequence": 110, **other})]
        assert runs(packets) == [packets[:1], packets[1:]]

    @pytest.mark.parametrize(
        "packets",
        [
            [tcp(bytes(10), flags=ACK | PSH), tcp(bytes(10), sequence=110)],
            [tcp(bytes(10)), tcp(bytes(9), sequence=110, flags=ACK | PSH), tcp(bytes(9), sequence=119)],
            [tcp(bytes(10)), tcp(bytes(9), sequence=110), tcp(bytes(9), sequence=119)],
        ],
        ids=["pushed first", "pushed last", "short"],
    )
    def test_the_end_of_a_run(self, packets):
        assert runs(packets) == [packets[:-1], packets[-1:]]

    def test_other_timestamps(self):
        later = TIMESTAMPS[:-1] + b"\x03"
        packets = [tcp(b"12", options=TIMESTAMPS), tcp(b"34", sequence=102, options=later)]
        assert len(runs(packets)) == 2


@given(st.binary(max_size=3000))
def test_the_sum_of_any_octets(data):
    assert -ones_sum(data) % 0xFFFF == words(data) % 0xFFFF


@given(st.lists(st.tuples(st.integers(20, 24), st.sampled_from([0, 0, 0, 4])), max_size=60))
def test_trains_are_of_one_size_but_for_the_last(shapes):
    packets = [bytes([0x45, tos]) + bytes([number]) * (size - 2) for number, (size, tos) in enumerate(shapes)]
    found = trains(packets)
    assert [packet for train in found for packet in train] == packets
    for train in found:
        assert len(train) <= 16
        assert {len(packet) for packet in train[:-1]} <= {len(train[0])} and len(train[-1]) <= len(train[0])
        assert len({packet[1] for packet in train}) == 1


def test_a_train_is_no_more_than_a_datagram_may_be():
    assert [len(train) for train in trains([tcp(bytes(8960))] * 10)] == [7, 3]
