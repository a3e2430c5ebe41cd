"""The cable with faults, with plain Linux at both ends: what tests that use it take for granted."""

import contextlib
import hashlib
import random
import re
import socket
import subprocess
import threading
import time

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether

import impairment
import namespaces
from namespaces import Namespace

pytestmark = pytest.mark.alone

CLIENT4, SERVER4 = "198.18.0.1", "198.18.0.10"
CLIENT6, SERVER6 = "2001:2::1", "2001:2::10"
SERVERS = (SERVER4, SERVER6)
CHANCES = ("lost", "duplicated", "reordered", "corrupted")
MEGABYTE = 1_000_000

pytestmark = pytest.mark.seconds(20)


@pytest.fixture
def cable(lab):
    """Builds two hosts and a cable with the faults that are asked for between them: the client is at its end A."""

    def build(*faults: str, mtu: int = 1500) -> tuple[Namespace, Namespace, impairment.Impairment]:
        client, server = lab.namespace("client"), lab.namespace("server")
        device = lab.impaired_wire(client, "near", server, "far", *faults, mtu=mtu)
        client.configure("near", f"{CLIENT4}/24", f"{CLIENT6}/64")
        server.configure("far", f"{SERVER4}/24", f"{SERVER6}/64")
        return client, server, device

    return build


@contextlib.contextmanager
def connected(client: Namespace, server: Namespace, address: str):
    """Both ends of a connection, and how many seconds connect() took."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with server.entered():
        listener = socket.create_server((address, 7), family=family)
    with client.entered():
        before = time.monotonic()
        connection = socket.create_connection((address, 7), timeout=10)
        took = time.monotonic() - before
    listener.settimeout(10)
    with listener, connection, listener.accept()[0] as accepted:
        accepted.settimeout(10)
        yield connection, accepted, took


def transfer(client: Namespace, server: Namespace, address: str, size: int) -> None:
    """Sends so many random bytes to the server, all of which must arrive and be the same."""
    text = random.Random(size).randbytes(size)
    with connected(client, server, address) as (connection, accepted, _):
        sender = threading.Thread(target=lambda: (connection.sendall(text), connection.shutdown(socket.SHUT_WR)))
        sender.start()
        received = b"".join(iter(lambda: accepted.recv(1 << 18), b""))
        sender.join()
    assert len(received) == size
    assert hashlib.sha256(received).digest() == hashlib.sha256(text).digest()


def ping(client: Namespace, address: str, *options: str) -> list[float]:
    """The round trips in ms of five pings, all of which must be answered, behind one that finds the neighbour."""
    client.run("ping", "-c", "1", "-w", "5", address)
    answers = client.run("ping", "-c", "5", "-w", "5", "-i", "0.1", *options, address)
    return [float(found) for found in re.findall(r"time=([\d.]+) ms", answers)]


@pytest.mark.parametrize("mtu", [1500, 9000])
def test_without_faults_everything_passes_as_it_was(cable, mtu):
    client, server, device = cable(mtu=mtu)
    for address in SERVERS:
        ping(client, address, "-M", "do", "-s", str(mtu - 48))
        transfer(client, server, address, 10 * MEGABYTE)
    for way in device.stop().values():
        assert way["passed"] == way["received"] > 1000 * 1500 / mtu
        assert not any(way[what] for what in (*CHANCES, "too_long", "missed"))


@pytest.mark.parametrize("address", SERVERS)
def test_tcp_overcomes_every_fault_that_comes_by_chance(cable, address):
    faults = ("--lose", "2", "--duplicate", "2", "--reorder", "2", "--corrupt", "1")
    client, server, device = cable(*faults)
    transfer(client, server, address, 3 * MEGABYTE)
    for way in device.stop().values():
        assert all(way[what] for what in CHANCES), way


def test_chances_may_hold_for_one_direction(cable):
    client, server, device = cable("--duplicate", "100", "--toward", "B")
    transfer(client, server, SERVER4, MEGABYTE)
    counts = device.stop()
    assert counts["ab"]["duplicated"] == counts["ab"]["received"] > 0 == counts["ba"]["duplicated"]


@pytest.mark.parametrize("fault", ["--drop", "--corrupt-nth"])
@pytest.mark.parametrize("segment", ["ab:syn:1", "ba:syn-ack:1"])
def test_a_handshake_that_misses_a_segment_takes_a_second_more(cable, fault, segment):
    client, server, device = cable(fault, segment)
    client.run("ping", "-c", "1", "-w", "5", SERVER4)
    with connected(client, server, SERVER4) as (_, _, took):
        assert 0.95 < took < 2.5  # the third SYN would go out after 3 s
    with connected(client, server, SERVER4) as (_, _, took):
        assert took < 0.9
    hit = device.stop()[segment[:2]]
    assert hit["dropped" if fault == "--drop" else "corrupted"] == 1


def test_a_segment_comes_twice_or_late_by_rule(lab, cable):
    client, server, device = cable("--duplicate-nth", "ab:fin:1", "--delay-nth", "ba:syn-ack:1:300")
    client.run("ping", "-c", "1", "-w", "5", SERVER4)
    recorded = lab.capture(server, "far")
    with connected(client, server, SERVER4) as (connection, accepted, took):
        assert 0.3 <= took < 0.95
        connection.close()
        assert accepted.recv(1) == b""
    assert len(recorded.frames("tcp.flags.fin == 1 && ip.src == " + CLIENT4)) == 2
    counts = device.stop()
    assert counts["ab"]["duplicated"] == counts["ba"]["delayed"] == 1


def test_a_delay_holds_for_both_directions(cable):
    client, server, device = cable("--delay", "50")
    for address in SERVERS:
        round_trips = ping(client, address)
        assert len(round_trips) == 5
        assert 100 <= min(round_trips) <= 130, round_trips
    transfer(client, server, SERVER6, MEGABYTE)
    device.stop()


def test_what_the_queue_does_not_hold_is_gone(cable):
    client, _, device = cable("--delay", "300", "--queue", "10")
    client.run("ping", "-c", "1", "-w", "5", SERVER4)  # its neighbours know each other
    client.run("ping", "-f", "-c", "50", "-w", "1", SERVER4, check=False)
    assert device.stop()["ab"]["overflowed"] > 0


def test_tagged_frames_pass_whole_and_rules_see_through_the_tags(lab, cable):
    client, server, device = cable("--drop", "ab:syn:2", "--drop", "ab:rst:1")
    frames = lab.frames(client, "near")
    recorded = lab.capture(server, "far")
    ether = Ether(src=frames.mac, dst="02:00:00:00:00:02")
    packet = IP(src=CLIENT4, dst=SERVER4)
    for tags, flags in ((Dot1Q(vlan=5), "S"), (Dot1AD(vlan=6) / Dot1Q(vlan=7), "F"), (Dot1AD(vlan=6) / Dot1Q(vlan=8), "SR")):
        frames.send(ether / tags / packet / TCP(flags=flags, seq=1))
    frames.send(ether / Dot1AD(vlan=9) / Dot1Q(vlan=10) / packet / TCP(flags="S", seq=2))
    frames.send(ether / packet / TCP(flags="S", seq=3))
    assert len(recorded.frames("tcp")) == 3
    assert len(recorded.frames("eth.type == 0x8100 && vlan.id == 5 && tcp.flags.syn == 1")) == 1
    assert len(recorded.frames("eth.type == 0x88a8 && vlan.id == 7 && tcp.flags.fin == 1")) == 1
    assert len(recorded.frames("!vlan && tcp.seq_raw == 3")) == 1
    assert device.stop()["ab"]["dropped"] == 2


def test_what_its_own_host_sends_is_not_bridged(lab, cable):
    client, server, device = cable()
    near, far, host = lab.frames(client, "near"), lab.frames(server, "far"), lab.frames(device.namespace, "end_b")
    host.send(Ether(src=host.mac, dst=near.mac) / IP(src=SERVER4, dst=CLIENT4) / TCP(flags="R"))
    far.expect(lambda frame: TCP in frame)
    near.expect_none(lambda frame: TCP in frame, seconds=0.3)
    device.stop()


def test_an_interface_may_go_down_and_come_up_again(cable):
    client, _, device = cable()
    device.namespace.run("ip", "link", "set", "end_b", "down")
    client.run("ping", "-c", "1", "-w", "1", SERVER4, check=False)
    device.namespace.run("ip", "link", "set", "end_b", "up")
    ping(client, SERVER4)
    assert device.stop()["ab"]["refused"] > 0


@pytest.mark.parametrize(
    "words, code, sentence",
    [
        (["end_a"], 2, "B is required"),
        (["end_a", "end_a"], 2, "A and B are one"),
        (["end_a", "end_b", "--lose", "101"], 2, "Value 101 not in range"),
        (["end_a", "end_b", "--toward", "C"], 2, "--toward: C not in {A,B}"),
        (["end_a", "end_b", "--drop", "ab:sin:1"], 2, 'no kind of segment is called "sin"; there are syn, syn-ack,'),
        (["end_a", "end_b", "--drop", "ab:syn:0"], 2, '"0" is not a number from 1'),
        (["end_a", "nowhere"], 1, 'there is no interface "nowhere"'),
        (["end_a", "end_b"], 1, 'interface "end_b" is down; bring it up'),
    ],
)
def test_what_cannot_be_done_is_told_in_one_sentence(lab, words, code, sentence):
    device = lab.namespace("impair")
    namespaces.wire(device, "end_a", device, "end_b")
    device.lend("end_a")
    command = ["ip", "netns", "exec", device.name, impairment.binary(), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    assert (done.returncode, done.stdout) == (code, "")
    assert sentence in done.stderr


def test_a_device_that_does_not_start_says_why(cable):
    with pytest.raises(namespaces.LabError, match="exit code 2: .*--lose: Value 101 not in range"):
        cable("--lose", "101")
