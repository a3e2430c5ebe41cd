"""The load tester against synward: what it sends arrives, what it measures is so, and whom it refuses to touch."""

import json
import pathlib
import signal
import subprocess
import time

import pytest

import namespaces
from endpoint import config, over_veth
from synward import binary

pytestmark = pytest.mark.alone

LOAD = str(pathlib.Path(binary()).with_name("synward-load"))
TARGETS = ["198.18.0.10:443", "[2001:2::10]:443"]


@pytest.fixture
def served(lab):
    endpoint = over_veth(lab, config())
    return endpoint.client, endpoint.synward


@pytest.mark.parametrize("target", TARGETS)
def test_every_syn_of_a_flood_is_answered(served, target):
    client, synward = served
    lines = client.run(LOAD, "flood", "--json", "--interface", "near", "--target", target, "--rate", "2000", "--seconds", "1.5")
    reports = [json.loads(line) for line in lines.splitlines()]
    assert [report["final"] for report in reports] == [False] * (len(reports) - 1) + [True]
    sent = reports[-1]["sent"]
    assert 1000 < sent <= 3000  # what a busy machine has not sent by the end of its time never is
    assert reports[-1]["per_s"] == pytest.approx(sent / reports[-1]["elapsed_s"])
    assert reports[-1]["elapsed_s"] > 1.4
    namespaces.wait_until(lambda: synward.stats()["total"]["events"]["syn_answered"] == sent, f"{sent} answers")
    drops = synward.stats()["total"]["drops"]
    assert drops["bad_tcp_checksum"] == drops["bad_ipv4_checksum"] == drops["bad_source"] == 0


def test_a_stall_of_the_sender_counts_from_the_intended_time(served):
    """Trap 36: clients that were to start while the load tester stood still are late, and say so."""
    client, _ = served
    words = [LOAD, "connect", "--json", "--target", TARGETS[0], "--rate", "200", "--seconds", "3"]
    process = client.start(*words, stdout=subprocess.PIPE, text=True)
    process.stdout.readline()  # comes after a second
    process.send_signal(signal.SIGSTOP)
    time.sleep(0.5)
    process.send_signal(signal.SIGCONT)
    *_, final = process.stdout
    report = json.loads(final)
    assert report["started"] == report["connected"] == 600
    assert report["connect_us"]["max"] > 450_000
    assert report["connect_us"]["p90"] > 150_000  # 100 of 600 were late, evenly up to 0.5 s: a tenth by 0.2 s
    assert report["connect_us"]["p50"] < 100_000


@pytest.mark.parametrize("subcommand", ["flood", "connect", "demo"])
@pytest.mark.parametrize("target", ["192.0.2.1:80", "[2001:db8::1]:80", "203.0.113.9:80"])
def test_other_addresses_are_refused(subcommand, target):
    words = [LOAD, subcommand, "--target", target] + (["--interface", "lo"] if subcommand != "connect" else [])
    done = subprocess.run(words, capture_output=True, text=True, timeout=10)
    assert done.returncode == 2
    assert "targets are private, link-local, loopback or benchmark addresses" in done.stderr


def test_nobody_at_the_address_is_told_in_one_sentence(served):
    client, _ = served
    with pytest.raises(namespaces.LabError, match="exit code 1: synward-load: no station on the interface's link has"):
        client.run(LOAD, "flood", "--interface", "near", "--target", "198.18.0.99:443")


def test_the_interface_of_the_default_route_floods_nobody(served):
    client, _ = served
    client.run("ip", "route", "add", "default", "dev", "near")
    with pytest.raises(namespaces.LabError, match="exit code 1: synward-load: this machine's default route goes by near: no load leaves there"):
        client.run(LOAD, "flood", "--interface", "near", "--target", TARGETS[0])
