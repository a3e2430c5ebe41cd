"""synward under systemd: the unit, and that what it leaves synward is enough. (Here is no systemd to start it.)"""

import pathlib
import re
import stat
import subprocess

import pytest

from endpoint import SERVERS, Endpoint, config, opened, over_veth
from lab import Lab
from namespaces import wait_until
from synward import binary

BUILD = pathlib.Path(binary()).parent
UNIT = BUILD / "config" / "synward.service"
UNITS, SYSUSERS = "usr/local/lib/systemd/system", "usr/local/lib/sysusers.d"


def setting(name: str) -> list[str]:
    (value,) = re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)
    return value.split()


def use(lab: Lab, node: Endpoint) -> None:
    """What an operator and a client do in a day."""
    for address in SERVERS:
        node.connect(address).close()
    node.expect_events(opened(2, closed=2))
    for words in (("port", "reset", "outside"), ("health",), ("drain",), ("stats",)):
        done = subprocess.run([binary(), *words, "--socket", str(node.synward.socket)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 or words == ("health",), done.stderr
    node.stop(maybe=("tx_full", "draining"))


@pytest.fixture
def wrapped(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch):
    """Has synward started by such a command."""

    def wrap(command: str) -> None:
        script = tmp_path / "synward-wrapped"
        script.write_text(f'#!/bin/sh\ncase $1 in run) exec {command} {binary()} "$@" ;; *) exec {binary()} "$@" ;; esac\n')
        script.chmod(0o755)
        monkeypatch.setenv("SYNWARD", str(script))

    return wrap


def test_systemd_finds_nothing_wrong_with_it(tmp_path: pathlib.Path) -> None:
    unit = tmp_path / "synward.service"
    text = re.sub(r"^(Exec\w+)=\S+", rf"\1={binary()}", UNIT.read_text(), flags=re.MULTILINE)
    unit.write_text(re.sub(r"^Documentation=.*\n", "", text, flags=re.MULTILINE))
    verified = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=30)
    assert (verified.stdout + verified.stderr, verified.returncode) == ("", 0)
    words = ["systemd-analyze", "security", "--offline=true", "--threshold=35", str(unit)]  # of 0 to 100; 96 without any
    secured = subprocess.run(words, capture_output=True, text=True, timeout=30)
    assert secured.returncode == 0, secured.stdout


def test_its_capabilities_are_enough(lab: Lab, wrapped) -> None:
    names = [name.removeprefix("CAP_").lower() for name in setting("CapabilityBoundingSet")]
    wrapped(f"setpriv --no-new-privs --bounding-set=-all,{','.join('+' + name for name in names)}")
    node = over_veth(lab, config())
    status = pathlib.Path(f"/proc/{node.synward.process.pid}/status").read_text()
    (effective,) = re.findall(r"^CapEff:\s*(\S+)$", status, re.MULTILINE)
    assert int(effective, 16).bit_count() <= len(names)
    use(lab, node)


def allowed_calls() -> set[str]:
    """All that the unit's filter lets pass, groups taken apart."""
    text = subprocess.run(["systemd-analyze", "syscall-filter"], capture_output=True, text=True, timeout=30, check=True).stdout
    groups: dict[str, list[str]] = {}
    group = ""
    for line in text.splitlines():
        if line.startswith("@"):
            groups[group := line.strip()] = []
        elif line.startswith("    ") and not line.strip().startswith("#"):
            groups[group].append(line.strip())
    calls, left = set(), setting("SystemCallFilter")
    while left:
        name = left.pop()
        if name.startswith("@"):
            left += groups[name]
        else:
            calls.add(name)
    return calls


@pytest.mark.alone
def test_its_system_calls_are_enough(lab: Lab, wrapped, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=0")  # it cannot be traced twice
    traced = tmp_path / "calls"
    wrapped(f"strace -D -f -c -U name -qq -o {traced}")
    use(lab, over_veth(lab, config()))
    wait_until(lambda: traced.exists() and "total" in traced.read_text(), "what strace has seen")
    calls = {line.strip() for line in traced.read_text().splitlines() if re.fullmatch(r"\s*[a-z_0-9]+", line)} - {"syscall", "total"}
    assert {"nanosleep", "clock_nanosleep"} & calls and "sendto" in calls, "it was seen at work"
    # DPDK asks for iopl, for old virtio devices, and goes on without.
    assert calls - allowed_calls() <= {"iopl"}


def test_who_may_ask_is_a_group(lab: Lab, wrapped, tmp_path: pathlib.Path) -> None:
    groups = tmp_path / "group"
    groups.write_text("root:x:0:\nsynward:x:4242:\n")
    wrapped(f"unshare --mount sh -c 'mount --bind {groups} /etc/group && exec \"$@\"' sh")
    node = over_veth(lab, config())
    socket = node.synward.socket.stat()
    assert (socket.st_gid, stat.S_IMODE(socket.st_mode)) == (4242, 0o660)
    node.stop()


def test_it_is_installed_where_a_distribution_looks(tmp_path: pathlib.Path) -> None:
    words = ["meson", "install", "-C", str(BUILD), "--no-rebuild", "--quiet", "--destdir", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    installed = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    wanted = {"usr/local/bin/synward", "usr/local/bin/synward-load", f"{UNITS}/synward.service", f"{SYSUSERS}/synward.conf"}
    share = {"share/synward/alerts.yml", "share/synward/grafana.json", "share/doc/synward/inline.toml", "share/doc/synward/README.md"}
    assert wanted | {f"usr/local/{name}" for name in share} <= installed
    (start,) = re.findall(r"^ExecStart=(\S+)", (tmp_path / UNITS / "synward.service").read_text(), re.MULTILINE)
    assert (tmp_path / start.lstrip("/")).exists()
