"""Over cables that lose, repeat, reorder and spoil: what arrives is what was sent, and nothing stays behind."""

import os

import pytest

import namespaces
from endpoint import CLIENT4, CLIENT6, SERVER4, SERVER6, SERVERS
from impairment import Impairment
from lab import Lab
from shield import Shield, config, exchange

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
    client, middle, server = lab.namespace("client"), lab.namespace("synward"), lab.namespace("server")
    front = lab.impaired_wire(client, "near", middle, "outside")
    rear = lab.impaired_wire(middle, "inside", server, "back")
    client.configure("near", f"{CLIENT4}/24", f"{CLIENT6}/64")
    server.configure("back", f"{SERVER4}/24", f"{SERVER6}/64")
    middle.lend("outside")
    middle.lend("inside")
    path = Faulty(client, server, middle, lab.synward(middle, config()))
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
