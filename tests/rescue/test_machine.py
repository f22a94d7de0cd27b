"""Whether roamd runs, from trees of /proc's shape."""

import pytest

from openwrt.rescue import machine


@pytest.mark.parametrize(
    ("words", "runs"),
    [
        ("/usr/bin/python3 /usr/sbin/roamd --syslog --config /etc/config/roamd", True),
        ("python -m router.cli --config x run", True),
        ("/usr/bin/python3 /usr/sbin/roamd --config /etc/config/roamd console", False),
        ("vi /etc/config/roamd", False),
    ],
)
def test_roamd_is_known_by_its_command_line(words, runs, tmp_path):
    for pid, line in ((1, "/sbin/procd"), (77, words)):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "cmdline").write_text(line.replace(" ", "\0") + "\0")
    (tmp_path / "uptime").write_text("1 1")
    (tmp_path / "78").mkdir()
    assert machine.daemon_runs(str(tmp_path)) is runs
