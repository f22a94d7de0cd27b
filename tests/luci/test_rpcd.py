"""The endpoint that stands for rpcd: sessions, access, and configuration that comes back unless confirmed."""

import pytest

from router.config.uci import parse
from tests.luci.rpcd import DENIED, NO_METHOD, NO_OBJECT, Gone, Rpcd
from tests.luci.uci_store import UciStore

ACL = {
    "roamd": {
        "read": {"ubus": {"roamd": ["status", "uplinks", "flows"]}, "uci": ["roamd"]},
        "write": {"ubus": {"roamd": ["reload"]}, "uci": ["roamd"]},
    }
}
TEXT = "config mobile_node\n\toption lifetime 600\n\nconfig uplink wifi\n\tlist a 1\n\tlist a 2\n"


class Bench:
    def __init__(self, path):
        self.file = path
        self.file.write_text(TEXT)
        self.now, self.changed, self.asked, self.gone = 0.0, [], [], False
        store = UciStore({"roamd": str(path)}, self.changed.append, lambda: self.now)
        users = {"root": ("secret", ["roamd"], ["roamd"]), "guest": ("guest", ["roamd"], [])}
        self.rpcd = Rpcd(users, [ACL], store, {"roamd": self.daemon})
        self.session = self.rpcd.login("root", "secret")

    def daemon(self, method, params):
        self.asked.append((method, params))
        if self.gone:
            raise Gone
        if params.get("limit") == 0:
            raise ValueError("limit 0: expected 1..1000")
        return {"uplinks": [{"name": "wifi"}], "version": "1"}

    def call(self, object_, method, session=None, **args):
        params = [session or self.session, object_, method, args]
        told = self.rpcd.answer({"jsonrpc": "2.0", "id": 7, "method": "call", "params": params})
        assert told["id"] == 7
        return told["error"]["code"] if "error" in told else told["result"]

    def options(self, name):
        _, data = self.call("uci", "get", config="roamd")
        return next(section for section in data["values"].values() if section[".type"] == name)


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path / "roamd")


def test_who_has_not_logged_in_gets_nothing(bench):
    assert bench.call("roamd", "status", session="0" * 32) == DENIED
    assert bench.call("uci", "get", session="f" * 32, config="roamd") == DENIED
    assert bench.call("session", "login", username="root", password="wrong") == [6]
    code, data = bench.call("session", "login", username="root", password="secret")
    assert code == 0
    assert bench.call("roamd", "status", session=data["ubus_rpc_session"])[0] == 0


def test_who_may_look_may_not_change(bench):
    guest = bench.rpcd.login("guest", "guest")
    assert bench.call("roamd", "status", session=guest)[0] == 0
    assert bench.call("roamd", "reload", session=guest) == DENIED
    assert bench.call("uci", "get", session=guest, config="roamd")[0] == 0
    assert bench.call("uci", "set", session=guest, config="roamd", section="wifi", values={"x": "1"}) == [6]
    assert bench.call("uci", "get", config="network") == [6]


def test_a_daemons_object_answers_as_on_the_bus(bench):
    assert bench.call("roamd", "uplinks") == [0, {"uplinks": [{"name": "wifi"}]}]
    assert bench.call("roamd", "flows", limit=0) == [2, {"error": "limit 0: expected 1..1000"}]
    bench.call("roamd", "flows", limit=3, ubus_rpc_session="0", other=1)
    assert bench.asked[-1] == ("flows", {"limit": 3})
    bench.gone = True
    assert bench.call("roamd", "status") == NO_OBJECT
    assert bench.call("other", "status") == NO_OBJECT


@pytest.mark.parametrize(
    "request_", [[], 1, {"id": 7}, {"jsonrpc": "2.0", "method": "call", "params": ["x"]}]
)
def test_what_is_no_request_is_refused(bench, request_):
    assert bench.rpcd.answer(request_)["error"]["code"] == -32600


def test_objects_are_listed(bench):
    assert bench.rpcd.answer({"jsonrpc": "2.0", "id": 1, "method": "list"})["result"] == ["roamd"]
    told = bench.rpcd.answer({"jsonrpc": "2.0", "id": 1, "method": "list", "params": ["*", "roamd"]})
    assert "limit" in told["result"]["roamd"]["flows"]
    assert bench.rpcd.answer({"jsonrpc": "2.0", "id": 1, "method": "stop"})["error"]["code"] == NO_METHOD


def test_sections_come_with_their_names_and_lists(bench):
    wifi = bench.options("uplink")
    assert wifi == {".anonymous": False, ".type": "uplink", ".name": "wifi", ".index": 1, "a": ["1", "2"]}
    assert bench.options("mobile_node")[".anonymous"]


def test_changes_reach_the_file_when_they_are_applied(bench):
    node = bench.options("mobile_node")[".name"]
    assert bench.call("uci", "set", config="roamd", section=node, values={"lifetime": "700"}) == [0, {}]
    assert bench.call("uci", "add", config="roamd", type="uplink", name="lte") == [0, {"section": "lte"}]
    assert bench.call("uci", "delete", config="roamd", section="wifi", options=["a"]) == [0, {}]
    assert bench.call("uci", "set", config="roamd", section="lte", values={"x": ""}) == [0, {}]
    assert bench.call("uci", "set", config="roamd", section="nobody", values={}) == [4]
    assert (bench.file.read_text(), bench.changed) == (TEXT, [])
    bench.call("uci", "apply", rollback=True, timeout=90)
    bench.call("uci", "confirm")
    bench.now = 1000
    bench.call("uci", "get", config="roamd")
    sections = parse(bench.file.read_text(), "").sections
    assert [(item.type, item.name, [*item.options]) for item in sections] == [
        ("mobile_node", None, ["lifetime"]),
        ("uplink", "wifi", []),
        ("uplink", "lte", []),
    ]
    assert sections[0].options["lifetime"].values == ("700",)
    assert bench.changed == ["roamd"]


def test_what_nobody_confirms_comes_back(bench):
    bench.call("uci", "delete", config="roamd", section="wifi")
    bench.call("uci", "apply", rollback=True, timeout=90)
    assert "wifi" not in bench.file.read_text()
    bench.now = 90
    assert bench.options("uplink")["a"] == ["1", "2"]
    assert bench.file.read_text() == TEXT
    assert bench.changed == ["roamd", "roamd"]
