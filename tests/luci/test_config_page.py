"""The forms: every option of the schema, its type, default and help; what is saved is what was meant."""

import json
import os

import pytest

from openwrt.packaging.tree import _SECTIONS
from router.config import load
from router.config.options import default
from router.config.schema import SECTIONS
from router.config.uci import parse
from tests.luci.site import ROOT, Site, installed

PAGES = {"roamd": "admin/network/roamd/config", "roamd-agent": "admin/network/roamd/agent"}
SAMPLES = {"roamd": "roamd.config", "roamd-agent": "roamd-agent.config"}
FIELDS = """
[...document.querySelectorAll('.cbi-section-node')].map(node => {
	const fields = [...node.querySelectorAll('.cbi-value')].map(row => {
		const input = row.querySelector('input, select');
		return {
			name: row.dataset.name, kind: row.querySelector('.cbi-dynlist') ? 'list' : input.type,
			choices: [...row.querySelectorAll('option')].map(one => one.value).filter(one => one),
			shown: row.querySelector('option[value=""]')?.textContent ?? input.getAttribute('placeholder'),
			checked: input.checked, label: row.querySelector('label').control?.isConnected ?? false,
			help: row.querySelector('.cbi-value-description').textContent
		};
	});
	return [node.parentNode.dataset.tabTitle, fields];
})
"""


class Bench:
    def __init__(self, browser, folder):
        self.browser, self.files, self.changed = browser, {}, []
        for config, sample in SAMPLES.items():
            with open(os.path.join(ROOT, "openwrt", "files", sample)) as file:
                self.files[config] = folder / config
                self.files[config].write_text(file.read())
        self.site = Site({name: str(path) for name, path in self.files.items()}, {}, self.changed.append)
        self.site.start()

    def open(self, config, user="root"):
        self.browser.open(self.site.page(PAGES[config], user))

    def fill(self, section, option, value):
        """Write into a field as a person does."""
        self.browser.evaluate(f"""(() => {{
            const row = document.querySelector('[data-section-id="{section}"] [data-name="{option}"]');
            const input = row.querySelector('input, select');
            input.type == 'checkbox' ? input.checked = {json.dumps(value)} : input.value = {json.dumps(value)};
            input.dispatchEvent(new Event('change', {{ bubbles: true }}));
        }})()""")

    def press(self, button):
        self.browser.evaluate(f"document.getElementById('{button}').click()")
        return self.browser.wait("document.body.dataset.done")

    def meant(self, config):
        return load(self.files[config].read_bytes(), config)


@pytest.fixture
def bench(browser, tmp_path):
    bench = Bench(browser, tmp_path)
    try:
        yield bench
        assert browser.evaluate("harness.errors") == [] and browser.problems == []
    finally:
        browser.leave()
        bench.site.close()


def module():
    text = installed("luci-app-roamd")["www/luci-static/resources/roamd/options.js"].decode()
    return json.loads(text[text.index("extend(") + 7 : text.rindex(");")])


def test_the_forms_module_has_the_schema_whole():
    found = module()
    known = {section["type"] for sections in found.values() for section in sections}
    assert known == SECTIONS.keys()
    for sections in found.values():
        for section in sections:
            spec = SECTIONS[section["type"]]
            assert [option["name"] for option in section["options"]] == [one.name for one in spec.options]


@pytest.mark.parametrize("config", PAGES)
def test_every_option_has_a_field_of_its_kind(bench, config):
    bench.open(config)
    shown = bench.browser.evaluate(FIELDS)
    seen = set()
    for _, fields in shown:
        names = {field["name"] for field in fields}
        spec = next(
            SECTIONS[name]
            for name in _SECTIONS[config]
            if {one.name for one in SECTIONS[name].options} == names
        )
        seen.add(spec.type)
        for field in fields:
            check(spec, spec.option(field["name"]), field)
    assert seen == {section.type for section in parse(bench.files[config].read_bytes(), config).sections}


def check(spec, option, field):
    known = default(spec.type, option)
    assert field["label"], option.name
    assert field["help"].lower().startswith(option.help.lower())
    if option.many:
        assert field["kind"] == "list"
    elif option.read.name == "boolean":
        assert field["kind"] == "checkbox"
    elif option.read.words:
        assert field["kind"] == "select-one" and field["choices"] == [*option.read.words]
        assert option.required or field["shown"] == (f"default: {known}" if known else "-- Please choose --")
    else:
        assert field["kind"] == ("password" if option.secret else "text")
        assert field["shown"] == known and option.read.allowed in field["help"]


@pytest.mark.parametrize("config", PAGES)
def test_what_is_saved_unchanged_means_the_same(bench, config):
    before = bench.meant(config)
    bench.open(config)
    assert bench.press("handleSaveApply") == "handleSaveApply"
    assert bench.meant(config) == before


def test_a_change_reaches_the_file_and_nothing_else_does(bench):
    bench.open("roamd")
    node = bench.browser.evaluate(
        "document.querySelector('[data-name=lifetime]').closest('[data-section-id]').dataset.sectionId"
    )
    bench.fill(node, "lifetime", "700")
    bench.fill(node, "multipath", False)
    assert bench.press("handleSaveApply") == "handleSaveApply"
    found = bench.meant("roamd").mobile_node
    assert (found.lifetime, found.multipath) == (700, False)
    assert bench.changed == ["roamd"]
    bench.open("roamd")
    bench.fill(node, "lifetime", "")
    bench.fill(node, "multipath", True)
    bench.press("handleSaveApply")
    assert "option multipath" not in bench.files["roamd"].read_text()
    assert bench.meant("roamd").mobile_node.lifetime == 1800


@pytest.mark.parametrize("value", ["9", "65536", "soon", "-1"])
def test_a_wrong_value_is_marked_and_nothing_is_saved(bench, value):
    text = bench.files["roamd"].read_text()
    bench.open("roamd")
    node = bench.browser.evaluate(
        "document.querySelector('[data-name=lifetime]').closest('[data-section-id]').dataset.sectionId"
    )
    bench.fill(node, "lifetime", value)
    assert bench.press("handleSave").startswith("refused")
    assert "range(10,65535)" in bench.browser.evaluate(
        "document.querySelector('[data-name=lifetime] .cbi-error').textContent"
    )
    assert bench.files["roamd"].read_text() == text and bench.changed == []


@pytest.mark.parametrize(
    ("option", "value"),
    [("usb", "1.2"), ("tty", "ttyUSB2"), ("imei", "123"), ("mtu", "20"), ("device", "a" * 16)],
)
def test_what_an_uplink_cannot_have_is_marked(bench, option, value):
    bench.open("roamd")
    name = next(uplink.name for uplink in bench.meant("roamd").uplinks if uplink.kind == "cellular")
    bench.fill(name, option, value)
    assert bench.press("handleSave").startswith("refused")
    error = f"document.querySelector('[data-section-id={name}] [data-name={option}] .cbi-error').textContent"
    assert "expect" in bench.browser.evaluate(error)
    assert bench.changed == []


def test_an_uplink_is_added_with_what_a_modem_wants(bench):
    bench.open("roamd")
    bench.browser.evaluate("""(() => {
        const part = [...document.querySelectorAll('.cbi-section')].find(one => one.dataset.tabTitle == 'Uplinks');
        part.querySelector('.cbi-section-create-name').value = 'roof';
        part.querySelector('.cbi-button-add').click();
    })()""")
    hidden = "document.querySelector('[data-section-id=roof] [data-name=apn]').hidden"
    bench.fill("roof", "type", "ethernet")
    assert bench.browser.evaluate(hidden)
    bench.fill("roof", "type", "cellular")
    assert not bench.browser.evaluate(hidden)
    bench.fill("roof", "apn", "internet")
    bench.fill("roof", "usb", "1-1.7")
    bench.fill("roof", "session", "at")
    assert bench.press("handleSaveApply") == "handleSaveApply"
    (found,) = (uplink for uplink in bench.meant("roamd").uplinks if uplink.name == "roof")
    assert (found.kind, found.usb, found.modem.apn) == ("cellular", "1-1.7", "internet")


def test_who_may_only_look_saves_nothing(bench):
    text = bench.files["roamd"].read_text()
    bench.open("roamd", "guest")
    node = bench.browser.evaluate(
        "document.querySelector('[data-name=lifetime]').closest('[data-section-id]').dataset.sectionId"
    )
    bench.fill(node, "lifetime", "700")
    assert bench.press("handleSave").startswith("refused: uci set: ubus code 6")
    assert bench.files["roamd"].read_text() == text
