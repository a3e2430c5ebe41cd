"""Over cables that lose, repeat, reorder and spoil: what arrives is what was sent, and nothing stays behind."""

import os
import socket

import pytest

import namespaces
from endpoint import CLIENT4, CLIENT6, SERVER4, SERVER6, SERVERS, expect
from impairment import Impairment
from lab import Lab
from shield import Shield, config, exchange, reset

# One segment of each kind that a connection is made of, toward the server (ab) and back (ba).
SEGMENTS = ("ab:syn:1", "ba:syn-ack:1", "ab:ack:1", "ab:data:1", "ba:data:1", "ab:fin:1", "ba:fin:1")


class Faulty(Shield):
    """With a device in the client's cable ("front") and one in the server's ("rear"), both sound until told otherwise."""

    def faults(self, side: str, *options: str) -> None:
        self.devices[side].__exit__()
        fresh = Impairment(self.devices[side].namespace, self.devices[side].log.parent, "end_a", "end_b", *options)
        self.devices[side] = fresh.__enter__()  # ends with its namespace


@pytest.fixture
def faulty(lab: Lab) -> Faulty:
    return between_faulty_cables(lab, config())


def between_faulty_cables(lab: Lab, text: str) -> Faulty:
    client, middle, server = lab.namespace("client"), lab.namespace("synward"), lab.namespace("server")
    front = lab.impaired_wire(client, "near", middle, "outside")
    rear = lab.impaired_wire(middle, "inside", server, "back")
    client.configure("near", f"{CLIENT4}/24", f"{CLIENT6}/64")
    server.configure("back", f"{SERVER4}/24", f"{SERVER6}/64")
    middle.lend("outside")
    middle.lend("inside")
    path = Faulty(client, server, middle, lab.synward(middle, text))
    path.devices = {"front": front, "rear": rear}
    path.teach()
    return path


def converse(path: Faulty, address: str, text: bytes) -> None:
    """A connection from its SYN to the FINs of both, through which `text` goes both ways."""
    with path.listen(address) as listener, path.connect(address) as client:
        client.settimeout(30)
        client.sendall(b"?")  # the first text, which is also the second chance of the cookie
        server, _ = listener.accept()
        with server:
            server.settimeout(30)
            assert server.recv(1) == b"?"
            exchange(client, server, text)


@pytest.mark.seconds(120)
@pytest.mark.parametrize("side", ("front", "rear"))
@pytest.mark.parametrize("address", SERVERS)
def test_every_kind_of_segment_may_be_lost_once(faulty: Faulty, side: str, address: str) -> None:
    for segment in SEGMENTS:
        faulty.faults(side, "--drop", segment)
        converse(faulty, address, b"text" * 1000)
        faulty.expect_closed()
        faulty.expect_gauges(backend_handshakes=0, held_packets=0)
    events = faulty.total()["events"]
    assert events["promoted"] == events["backend_established"] >= len(SEGMENTS) - 1, events


@pytest.mark.seconds(120)
@pytest.mark.parametrize("rates", ((0.1, 1_000_000), (1, 300_000), (5, 30_000)), ids=lambda rates: f"{rates[0]}-percent")
@pytest.mark.parametrize("address", SERVERS)
def test_faults_at_random_change_no_byte(faulty: Faulty, rates: tuple[float, int], address: str) -> None:
    chance, octets = rates
    for seed, side in enumerate(("front", "rear"), start=1):
        # Corrupt on one side only: two bits spoiled in one segment can make up for each other in TCP's checksum.
        faults = ("lose", "duplicate", "reorder", "corrupt")[: 4 if side == "front" else 3]
        faulty.faults(side, f"--seed={seed}", *(f"--{fault}={chance}" for fault in faults))
    for _ in range(3):
        converse(faulty, address, os.urandom(octets))
    for side in ("front", "rear"):
        faulty.faults(side)
    namespaces.wait_until(lambda: faulty.total()["gauges"]["backend_handshakes"] == 0, "the last handshake", 20)
    faulty.expect_gauges(held_packets=0)


IDLE_SECONDS = 6


@pytest.mark.seconds(120)
def test_nothing_stays_behind(lab: Lab) -> None:
    """However connections end, what synward knew of them goes.

    Here for all that a minute shows. Connections that both ends closed or one reset are remembered in silence for
    kSpliceSilenceMs, and what ended in another way until the cookie that opened it expires, after 64 to 128 s: here
    both are counted to the last one, and that they go then is for tests with a clock of their own.
    """
    path = between_faulty_cables(lab, config(service=f"idle_timeout = {IDLE_SECONDS}"))
    closed = 0
    for loss in (0, 2):
        for side in ("front", "rear"):
            path.faults(side, f"--lose={loss}")
        for address in SERVERS * 5:
            converse(path, address, bytes(100_000))
            closed += 1
    path.expect_closed()
    for side in ("front", "rear"):
        path.faults(side)

    killed: list[socket.socket] = []
    for address in SERVERS * 5:
        with path.listen(address) as listener:
            client, (server, _) = path.connect(address), listener.accept()
        exchange(client, server)
        killed += [client, server]
    path.expect_gauges(backend_handshakes=0, held_packets=0)
    for side in ("front", "rear"):
        path.faults(side, "--lose=100")
    for end in killed:
        end.setblocking(False)
        end.send(bytes(100_000))  # in the middle of it
        reset(end)
    path.faults("front")

    unanswered = [path.connect(address) for address in SERVERS * 5]
    for client in unanswered:
        client.sendall(b"is anybody there?" * 100)
    path.expect_gauges(backend_handshakes=len(unanswered))
    assert path.total()["gauges"]["held_packets"] > len(unanswered)
    half = len(unanswered) // 2
    for client in unanswered[:half]:
        reset(client)  # whose client is gone before the backend was given up
    for client in unanswered[half:]:
        with client, pytest.raises(ConnectionResetError):
            client.recv(1)
    path.faults("rear")

    path.expect_gauges(backend_handshakes=0, held_packets=0)
    gone = len(killed) // 2 + len(unanswered)
    expect(lambda: entries(path), {"live": closed, "tombstones": gone})
    assert (path.event("idle_reset"), path.event("backend_silent")) == (len(killed) // 2, len(unanswered) - half)
    path.expect_closed()


def entries(path: Shield) -> dict[str, int]:
    """Of the connection table."""
    gauges = path.total()["gauges"]
    return {"live": gauges["connections4"] + gauges["connections6"], "tombstones": gauges["tombstones"]}
