"""Floods of every kind at a server without any defence of its own: behind synward its clients do not notice."""

import json
import pathlib
import random
import subprocess
import threading
import time

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from endpoint import SERVER4, SERVER6
from lab import Lab
from shield import HTTP, Shield, Web, config, shield
from synward import binary

pytestmark = pytest.mark.alone

LOAD = str(pathlib.Path(binary()).with_name("synward-load"))
SECONDS, CLIENTS_PER_S, SYNS_PER_S = 4, 50, 20_000


@pytest.fixture
def attacked(lab: Lab) -> Shield:
    """nginx with a queue of 128 and no SYN cookies; every client is new to its kernel."""
    text = config(ports=(HTTP,)).replace("framecnt=4096", "framecnt=16384")  # what comes while others have the core
    path = shield(lab, text, teach=(HTTP,))
    for name, value in (("tcp_syncookies", 0), ("tcp_max_syn_backlog", 128), ("tcp_no_metrics_save", 1)):
        path.server.sysctl(f"net.ipv4.{name}", value)
    for namespace, via in ((path.client, None), (path.server, "198.18.0.1")):  # who the flood claims to be says nothing
        route = ["via", via] if via else []
        namespace.run("ip", "route", "add", *(["blackhole"] if not via else []), "198.19.0.0/16", *route)
    Web(path.server, lab.folder / "web")
    return path


def clients(path: Shield, patience_s: int = 5) -> dict:
    """What real clients of both families saw meanwhile."""
    targets = [f"--target={SERVER4}:{HTTP}", f"--target=[{SERVER6}]:{HTTP}"]
    words = [LOAD, "connect", "--json", *targets, "--rate", str(CLIENTS_PER_S), "--seconds", str(SECONDS), "--patience", str(patience_s)]
    *_, final = path.client.run(*words, seconds=SECONDS + 20).splitlines()
    return json.loads(final)


def expect_service(path: Shield, report: dict) -> None:
    assert report["closed"] == report["started"] >= 0.9 * CLIENTS_PER_S * SECONDS, report
    assert report["connect_us"]["p50"] < 50_000, report
    path.expect_gauges(backend_handshakes=0, held_packets=0)


@pytest.mark.parametrize("address", (SERVER4, SERVER6))
def test_a_syn_flood_costs_no_client_and_no_memory(attacked: Shield, address: str) -> None:
    target = f"[{address}]:{HTTP}" if ":" in address else f"{address}:{HTTP}"
    words = [LOAD, "flood", "--json", "--interface", "near", "--target", target]
    attacked.client.run(*words, "--rate", str(SYNS_PER_S), "--seconds", "1")  # now every packet's memory was used once
    before = attacked.synward.resident_kib()
    flood = attacked.client.start(*words, "--rate", str(SYNS_PER_S), "--seconds", str(SECONDS + 1))
    expect_service(attacked, clients(attacked))
    assert flood.wait(20) == 0
    assert attacked.event("syn_answered") > SYNS_PER_S
    assert attacked.synward.resident_kib() < before + 8192  # a page or two of the table for each client, nothing for the flood
    assert attacked.total()["gauges"]["connections4"] + attacked.total()["gauges"]["connections6"] < 2 * CLIENTS_PER_S * SECONDS


def test_beyond_what_synward_can_answer_clients_come_in_at_their_second_syn(attacked: Shield) -> None:
    """Others have half of the worker's time. The flood is most of what it can just receive, and much more than it can answer."""
    words = [LOAD, "flood", "--json", "--interface", "near", "--target", f"{SERVER4}:{HTTP}"]
    others = subprocess.Popen(["taskset", "-c", "1", "sh", "-c", "while :; do :; done"])
    try:
        before = attacked.total()["rx"]
        attacked.client.run(*words, "--rate", "3000000", "--seconds", "2")
        received_per_s = (attacked.total()["rx"] - before) / 2
        flood = attacked.client.start(*words, "--rate", str(0.7 * received_per_s), "--seconds", str(SECONDS + 5))
        time.sleep(0.5)
        report = clients(attacked, patience_s=4)
        assert flood.wait(40) == 0
    finally:
        others.kill()
        others.wait()
    assert report["closed"] == report["started"] >= 0.9 * CLIENTS_PER_S * SECONDS, report
    assert attacked.total()["drops"]["overload"] > 10_000
    assert attacked.event("shed_syn_came_again") > 10
    assert attacked.total()["gauges"]["overloaded_cores"] == 1


@pytest.mark.parametrize("flags", ("A", "PA", "R", "SA", "FA"))
def test_a_flood_of_other_segments_costs_no_client(lab: Lab, attacked: Shield, flags: str) -> None:
    hand = lab.frames(attacked.client, "near")
    server_mac = attacked.server.run("cat", "/sys/class/net/back/address").strip()
    drawn = random.Random(20)
    ether = Ether(src=hand.mac, dst=server_mac)

    def forged() -> bytes:
        source = f"198.19.{drawn.randrange(256)}.{drawn.randrange(1, 255)}"
        numbers = {"seq": drawn.getrandbits(32), "ack": drawn.getrandbits(32)}
        return bytes(ether / IP(src=source, dst=SERVER4) / TCP(sport=drawn.randrange(1024, 65536), dport=HTTP, flags=flags, **numbers))

    frames, over, sent = [forged() for _ in range(1000)], threading.Event(), 0

    def flood() -> None:
        nonlocal sent
        while not over.is_set():
            for frame in frames[sent % 1000 : sent % 1000 + 100]:
                hand.send(frame)
            sent += 100
            time.sleep(0.004)

    flooding = threading.Thread(target=flood)
    flooding.start()
    try:
        report = clients(attacked)
    finally:
        over.set()
        flooding.join()
    assert sent > 10_000
    expect_service(attacked, report)
    events = attacked.total()["events"]
    assert events["promoted"] <= report["started"]
    assert events["stray_reset"] + events["challenge_sent"] + events["untranslatable"] == 0
