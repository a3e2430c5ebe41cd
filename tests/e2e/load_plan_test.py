"""What synward-load sends nowhere, and what it would send."""

import pathlib
import subprocess

import pytest

from synward import binary

LOAD = str(pathlib.Path(binary()).with_name("synward-load"))
TARGETS = ["198.18.0.10:443", "[2001:2::10]:443"]


def refused(*options: str) -> subprocess.CompletedProcess:
    return subprocess.run([LOAD, *options], capture_output=True, text=True, timeout=20)


REFUSALS = {
    "no device": (["--target", TARGETS[0], "--flood", "1"], "--device is missing"),
    "no target": (["--device", "net_null0", "--flood", "1"], "there is no --target"),
    "nothing to do": (["--device", "net_null0", "--target", TARGETS[0]], "there is nothing to do"),
    "a public target": (["--device", "net_null0", "--target", "8.8.8.8:53", "--flood", "1"], "targets are private, link-local, loopback or benchmark"),
    "a public target of IPv6": (["--device", "net_null0", "--target", "[2001:4860:4860::8888]:53", "--flood", "1"], "targets are private"),
    "another than what is allowed": (["--device", "net_null0", "--target", "8.8.8.8:53", "--allow-target", "8.8.4.0/24", "--flood", "1"], "targets are private"),
    "a group": (["--device", "net_null0", "--target", "224.0.0.1:53", "--allow-target", "0.0.0.0/0", "--flood", "1"], "group"),
    "public sources": (["--device", "net_null0", "--target", TARGETS[0], "--flood", "1", "--source-prefix", "8.8.8.0/24"], "sources are of the benchmark ranges"),
    "public clients": (["--device", "net_null0", "--target", TARGETS[0], "--clients", "1", "--client-prefix", "2001:db8::/64"], "sources are of the benchmark ranges"),
    "sources around the target": (["--device", "net_null0", "--target", TARGETS[0], "--flood", "1", "--source-prefix", "198.18.0.0/15"], "lies among the sources"),
    "too many packets": (["--device", "net_null0", "--target", TARGETS[0], "--flood", "1000", "--max-packets", "9999"], "more than the 9,999 of --max-packets"),
    "a replay without clients": (["--device", "net_null0", "--target", TARGETS[0], "--flood", "1", "--attack", "replay"], "it wants --clients"),
    "no attack": (["--device", "net_null0", "--target", TARGETS[0], "--flood", "1", "--attack", "sin"], "syn, odd-syn, ack, replay, rst, fin, syn-ack"),
    "no assertion": (["--device", "net_null0", "--target", TARGETS[0], "--flood", "1", "--assert", "sucess>9"], "the nearest is success"),
    "no escape": (["--device", "net_null0", "--target", TARGETS[0], "--clients", "1", "--request", "\\q"], "stands r, n, t, 0"),
    "a long request": (["--device", "net_null0", "--target", TARGETS[0], "--clients", "1", "--request", "x" * 513], "at most 512"),
    "words for EAL that it has not": (["flood", "--interface", "lo", "--target", TARGETS[0], "--", "--no-huge"], "--"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS)
def test_what_is_no_plan_is_refused_before_anything_begins(case: str) -> None:
    options, why = REFUSALS[case]
    done = refused(*options)
    assert done.returncode == 2, done
    assert why in done.stderr and done.stdout == ""


def dry_run(folder: pathlib.Path, name: str, *options: str) -> tuple[str, bytes]:
    """What it says, and the frames that it wrote."""
    path = folder / name
    words = ["--device", "net_af_packet0,iface=nowhere", "--target", TARGETS[0], TARGETS[1], "--dry-run", "--pcap", str(path), *options]
    done = refused(*words)
    assert done.returncode == 0, done
    return done.stdout, path.read_bytes()


def test_a_dry_run_writes_frames_and_sends_none(tmp_path: pathlib.Path) -> None:
    said, _ = dry_run(tmp_path, "dry.pcapng", "--flood", "1000", "--attack", "mixed", "--clients", "100")
    assert "64 of its frames are in" in said and "nothing was sent" in said
    assert "clients   100/s (Poisson) from 198.18.64.0/24 2001:2:0:4000::/64" in said
    fields = [word for field in ("ip.checksum.status", "tcp.checksum.status", "frame.comment", "eth.type") for word in ("-e", field)]
    checks = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]
    shown = subprocess.run(["tshark", "-r", str(tmp_path / "dry.pcapng"), *checks, "-T", "fields", *fields], capture_output=True, text=True, timeout=30)
    rows = [line.split("\t") for line in shown.stdout.splitlines()]
    assert len(rows) == 64, shown
    assert {row[3] for row in rows} == {"0x0800", "0x86dd"}
    assert all(row[1] == "1" and row[0] == ("1" if row[3] == "0x0800" else "") for row in rows), "every checksum is right"
    assert sum("client" in row[2] for row in rows) == 16 and sum("attack: " in row[2] for row in rows) == 48


def test_one_seed_is_one_trial(tmp_path: pathlib.Path) -> None:
    options = ("--flood", "1000", "--attack", "mixed", "--clients", "100", "--seed")
    first, again, other = (dry_run(tmp_path, name, *options, seed)[1] for name, seed in (("a", "7"), ("b", "7"), ("c", "8")))
    assert first == again != other


def test_without_a_seed_each_trial_is_another(tmp_path: pathlib.Path) -> None:
    written = {dry_run(tmp_path, name, "--flood", "1000")[1] for name in ("a", "b")}
    assert len(written) == 2
