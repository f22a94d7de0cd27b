"""The shell scripts that a router gets: they parse, and the firewall script may run any number of times."""

import os
import shutil
import subprocess
from glob import glob

import pytest

from router.config.options import rules
from router.config.schema import SECTIONS
from tests.openwrt.test_packages import ROOT, SERVICES

SCRIPTS = [
    path.split("/files/")
    for kind in ("etc/init.d/*", "etc/uci-defaults/*", "usr/sbin/roamd-rescue")
    for path in sorted(glob(f"*/files/{kind}", root_dir=os.path.join(ROOT, "openwrt")))
]


@pytest.mark.parametrize(("name", "path"), SCRIPTS)
def test_a_script_parses(content, name, path):
    shell = ["busybox", "ash"] if shutil.which("busybox") else ["sh"]
    subprocess.run([*shell, "-n"], input=content(name, path).content, check=True)


PROCD = """
uci_load_validate() { printf '%s\\n' "$@" "end $#"; }
procd_add_validation() { "$@" "" ""; }
"""


@pytest.mark.parametrize("name", SERVICES)
def test_procd_is_told_the_rules_of_the_schema(content, name):
    code = content(name, f"usr/share/roamd/validate-{name}.sh").content.decode()
    done = subprocess.run(
        ["sh"], input=f"{PROCD}{code}add_validations\n", text=True, check=True, stdout=subprocess.PIPE
    )
    said = done.stdout.splitlines()
    mine = SECTIONS["roamd"]
    assert said[: 4 + len(mine.options)] == [name, "roamd", "", "", *rules(mine)]
    assert sum(line.startswith("end ") for line in said) == code.count("uci_load_validate")


UCI = """\
#!/bin/sh
# Knows `get`, `set`, `batch` and `commit` of one file of "name=value" lines.
[ "$1" = -q ] && shift
case $1 in
get) grep -q "^$2=" "$STORE" ;;
set) echo "$2" >>"$STORE" ;;
batch) sed 's/^[[:space:]]*[a-z_]* //' >>"$STORE" ;;
commit) echo "commit $2" >>"$LOG" ;;
*) exit 2 ;;
esac
"""


def test_the_firewall_gets_its_zone_once(content, tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, text in {"uci": UCI, "logger": "#!/bin/sh\ncat\n", "python3": "#!/bin/sh\n"}.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    store = tmp_path / "store"
    store.write_text("")
    env = {"PATH": f"{tools}:{os.environ['PATH']}", "STORE": str(store), "LOG": str(tmp_path / "log")}
    script = content("roamd", "etc/uci-defaults/90-roamd").content
    seen = []
    for _ in range(2):
        subprocess.run(["sh"], input=script, env=env, check=True, capture_output=True)
        seen.append(store.read_text())
    assert seen[0] == seen[1]
    assert "firewall.roamd_zone.name='mobile'\n" in seen[0]
    assert "firewall.roamd_forwarding.dest='mobile'\n" in seen[0]
