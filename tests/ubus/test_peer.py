"""A client of ubusd, octet by octet: what it sends, what it makes of answers, and what hurts it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.ubus.blob import BOOL, INT32, WireError, table
from router.ubus.message import Attr, Framer, Status, Type, encode
from router.ubus.peer import Called, Interfaces, Peer, Problem, Published
from tests.ubus.fake_ubusd import (
    ADD_OBJECT,
    DATA,
    HELLO,
    INVOKE,
    LOOKUP,
    NOTIFY,
    STATUS,
    SUBSCRIBE,
    message,
    parse,
    values,
)

METHODS = {"status": {}, "flows": {"all": BOOL, "limit": INT32}}
OWN, LISTENER, NETIFD = 0x8A000001, 0x8A000002, 77


def taken(peer):
    """What the peer wants sent: (type, sequence, peer, attributes) of each message."""
    octets, found = bytes(peer.outgoing), []
    peer.outgoing.clear()
    while octets:
        length = 8 + (int.from_bytes(octets[8:12], "big") & 0xFFFFFF)
        found.append(parse(octets[:length]))
        octets = octets[length:]
    return found


def told(peer, *messages):
    return [news for octets in messages for news in peer.feed(octets)]


def greeted():
    peer = Peer("roamd", METHODS)
    assert told(peer, message(HELLO, 0, 0x1234)) == []
    return peer


def published():
    peer = greeted()
    first, second = taken(peer)
    news = told(
        peer,
        message(DATA, first[1], 0, id=OWN),
        message(STATUS, first[1], 0, status=0),
        message(DATA, second[1], 0, id=LISTENER),
        message(STATUS, second[1], 0, status=0),
    )
    assert news == [Published()]
    return peer


def test_a_lookup_octet_by_octet():
    octets = encode(Type.LOOKUP, 0x0102, 0, {Attr.OBJPATH: "service"})
    assert octets.hex() == "0004010200000000" + "00000010" + "0200000c" + b"service\0".hex()


def test_an_invocation_octet_by_octet():
    octets = encode(
        Type.INVOKE, 1, NETIFD, {Attr.OBJID: NETIFD, Attr.METHOD: "dump", Attr.DATA: {"up": True}}
    )
    assert octets.hex() == (
        "000500010000004d" + "0000002c"
        + "030000080000004d"
        + "04000009" + b"dump\0\0\0\0".hex()
        + "07000014" + "8700000d" + "0002" + "7570" + "00000000" + "01000000"
    )  # fmt: skip
    (found,) = Framer().feed(octets)
    assert (found.type, found.sequence, found.peer) == (Type.INVOKE, 1, NETIFD)
    assert found.values == {Attr.OBJID: NETIFD, Attr.METHOD: "dump", Attr.DATA: {"up": True}}


def test_it_publishes_its_object_and_one_without_a_name():
    sent = taken(greeted())
    assert [item[0] for item in sent] == [ADD_OBJECT, ADD_OBJECT]
    assert sent[0][3] == {"path": "roamd", "signature": {"status": {}, "flows": {"all": 7, "limit": 5}}}
    assert sent[1][3] == {}


def test_it_registers_for_new_objects_with_its_id_as_a_signed_number():
    register, lookup = taken(published())
    assert register[0] == INVOKE
    assert register[3] == {
        "id": 1,
        "method": "register",
        "data": {"object": LISTENER - (1 << 32), "pattern": "ubus.object.add"},
    }
    assert lookup[0] == LOOKUP
    assert lookup[3] == {"path": "network.interface"}


def following():
    peer = published()
    _, lookup = taken(peer)
    told(peer, message(DATA, lookup[1], 0, id=NETIFD), message(STATUS, lookup[1], 0, status=0))
    return peer


def test_it_subscribes_to_netifd_and_asks_how_interfaces_stand():
    peer = following()
    subscribe, dump = taken(peer)
    assert (subscribe[0], subscribe[3]) == (SUBSCRIBE, {"id": LISTENER, "target": NETIFD})
    assert (dump[0], dump[2], dump[3]["method"]) == (INVOKE, NETIFD, "dump")
    wwan = {"interface": "wwan", "up": True, "l3_device": "wwan0"}
    news = told(
        peer,
        message(DATA, dump[1], NETIFD, id=NETIFD, data={"interface": [wwan, "nonsense"]}),
        message(STATUS, dump[1], NETIFD, status=0, id=NETIFD),
    )
    assert news == [Interfaces((wwan,))]


def test_it_hears_of_an_interface_that_changes():
    peer = following()
    taken(peer)
    wwan = {"interface": "wwan", "up": True, "l3_device": "wwan1"}
    heard = message(INVOKE, 9, NETIFD, id=LISTENER, method="interface.update", no_reply=True, data=wwan)
    assert told(peer, heard) == [Interfaces((wwan,))]
    assert taken(peer) == []


def test_netifd_that_comes_later_is_found_then():
    peer = published()
    _, lookup = taken(peer)
    assert told(peer, message(STATUS, lookup[1], 0, status=4)) == []
    for path, found in (("other", []), ("network.interface", [LOOKUP])):
        event = {"id": 5, "path": path}
        told(peer, message(INVOKE, 3, 0, id=LISTENER, method="ubus.object.add", no_reply=True, data=event))
        assert [item[0] for item in taken(peer)] == found


def test_a_call_is_news_and_its_answer_has_its_numbers():
    peer = published()
    taken(peer)
    (news,) = told(peer, message(INVOKE, 0x55, 0xC0, id=OWN, method="flows", data={"all": True, "limit": 3}))
    assert isinstance(news, Called)
    assert (news.method, news.arguments) == ("flows", {"all": True, "limit": 3})
    peer.answer(news.caller, {"flows": [], "active": 2})
    data, status = taken(peer)
    assert data == (DATA, 0x55, 0xC0, {"id": OWN, "data": {"flows": [], "active": 2}})
    assert status == (STATUS, 0x55, 0xC0, {"status": 0, "id": OWN})


def test_who_wants_no_reply_gets_none():
    peer = published()
    taken(peer)
    (news,) = told(peer, message(INVOKE, 5, 6, id=OWN, method="status", no_reply=True, data={}))
    peer.answer(news.caller, {"role": []})
    assert taken(peer) == []


@pytest.mark.parametrize(
    "given, status",
    [
        ({"id": OWN, "method": "reboot", "data": {}}, Status.METHOD_NOT_FOUND),
        ({"id": 0xDEAD, "method": "status", "data": {}}, Status.NOT_FOUND),
        ({"method": "status", "data": {}}, Status.NOT_FOUND),
        ({"id": OWN, "data": {}}, Status.METHOD_NOT_FOUND),
        ({"id": OWN, "method": "status", "data": b"\x83\xff\xff\xff"}, Status.INVALID_ARGUMENT),
        ({"id": OWN, "method": "status", "data": b"\x83\0\0\x07\0\x09a"}, Status.INVALID_ARGUMENT),
    ],
)
def test_a_wrong_call_is_refused_and_the_next_one_served(given, status):
    peer = published()
    taken(peer)
    assert told(peer, message(INVOKE, 4, 6, **given)) == []
    assert [item[3]["status"] for item in taken(peer)] == [status]
    assert len(told(peer, message(INVOKE, 5, 6, id=OWN, method="status", data={}))) == 1


def test_a_result_that_ubus_cannot_carry_is_an_error_and_no_silence():
    peer = published()
    taken(peer)
    (news,) = told(peer, message(INVOKE, 4, 6, id=OWN, method="status", data={}))
    peer.answer(news.caller, {"huge": "x" * (2 << 20)})
    assert [item[3]["status"] for item in taken(peer)] == [Status.UNKNOWN]


def test_a_refusal_to_publish_is_named_and_netifd_followed_all_the_same():
    peer = greeted()
    first, second = taken(peer)
    news = told(peer, message(STATUS, first[1], 0, status=6))
    assert news == [Problem("object roamd is not published: permission denied")]
    told(peer, message(DATA, second[1], 0, id=LISTENER), message(STATUS, second[1], 0, status=0))
    assert [item[0] for item in taken(peer)] == [INVOKE, LOOKUP]
    peer.notify("event", {"text": "unheard"})
    assert taken(peer) == []


def test_a_notification_wants_no_reply():
    peer = published()
    taken(peer)
    peer.notify("event", {"kind": "uplink", "text": "uplink wifi: usable"})
    ((kind, _, _, given),) = taken(peer)
    assert kind == NOTIFY
    assert given == {
        "id": OWN,
        "method": "event",
        "no_reply": 1,
        "data": {"kind": "uplink", "text": "uplink wifi: usable"},
    }


def test_notifications_that_nobody_answers_fill_nothing():
    peer = published()
    for number in range(70000):
        peer.notify("event", {"n": number})
        if len(peer.outgoing) > 1 << 16:
            peer.outgoing.clear()
    assert len(peer._requests) <= 65


def test_answers_to_nobody_are_not_heard():
    peer = published()
    taken(peer)
    assert told(peer, message(DATA, 999, 0, id=3), message(STATUS, 999, 0, status=0), message(11, 1, 1)) == []
    assert taken(peer) == []


@pytest.mark.parametrize(
    "octets",
    [
        message(STATUS, 1, 0)[:8] + b"\0\0\0\0",
        message(STATUS, 1, 0)[:8] + b"\0\xff\xff\xff",
        b"\1" + message(STATUS, 1, 0, status=0)[1:],
        message(STATUS, 1, 0, status=b"\0"),
        message(STATUS, 1, 0)[:8] + b"\0\0\0\x0c" + b"\1\0\0\xff" + b"\0\0\0\0",
    ],
    ids=["no length", "too long", "version", "short number", "attribute beyond the end"],
)
def test_a_stream_that_is_lost_is_an_error(octets):
    with pytest.raises(WireError):
        told(published(), octets)


def test_messages_in_pieces_are_put_together():
    peer = published()
    taken(peer)
    octets = message(INVOKE, 4, 6, id=OWN, method="status", data={}) * 2
    news = [item for at in range(len(octets)) for item in peer.feed(octets[at : at + 1])]
    assert [item.method for item in news] == ["status", "status"]


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_no_octets_do_more_than_end_the_connection(pieces):
    peer = published()
    try:
        for piece in pieces:
            list(peer.feed(piece))
    except WireError:
        return


@given(st.integers(0, 255), st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF), st.binary(max_size=40))
def test_no_message_does_more_than_end_the_connection(kind, sequence, number, data):
    peer = published()
    try:
        told(peer, message(kind, sequence, number, id=OWN, method="status", data=data))
        told(peer, message(kind, sequence, number, id=LISTENER, method="interface.update", data=data))
    except WireError:
        return
    assert len(peer.outgoing) < 4096


def test_a_call_of_ours_looks_the_object_up_each_time():
    peer, replies = published(), []
    taken(peer)

    def then(reply):
        replies.append(reply.status)
        yield from ()

    peer.call("service", "watchdog", {"name": "roamd"}, then)
    ((_, sequence, _, given),) = taken(peer)
    assert given == {"path": "service"}
    told(peer, message(DATA, sequence, 0, id=78), message(STATUS, sequence, 0, status=0))
    ((_, sequence, _, given),) = taken(peer)
    assert given == {"id": 78, "method": "watchdog", "data": {"name": "roamd"}}
    told(peer, message(STATUS, sequence, 78, status=0, id=78))
    assert replies == [0]
    peer.call("nowhere", "x", {}, then)
    ((_, sequence, _, _),) = taken(peer)
    told(peer, message(STATUS, sequence, 0, status=4))
    assert replies == [0, 4]


def test_the_fake_reads_what_we_write():
    given = {"text": "x", "list": [1, 2], "table": {"deep": True}, "none": None, "half": 0.5}
    assert values(table(given)) == {**given, "table": {"deep": 1}}
