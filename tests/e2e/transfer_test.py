"""Much text through synward, in both directions, and connections of which only one direction is left."""

import hashlib
import json
import random
import socket
import threading
import time
from collections.abc import Iterator

import pytest

import namespaces
from endpoint import SERVER4, SERVER6, SERVERS, tcp_info
from lab import Lab
from shield import config, exchange, listens, shield

pytestmark = pytest.mark.alone

BLOCK = 1_000_000
LENGTHS = {SERVER4: 1_000_000_000, SERVER6: 100_000_000}
LONG_WAY = 6_000_000
IPERF = 5201


def blocks(octets: int) -> Iterator[bytes]:
    """So many octets, the same each time, and no two blocks alike."""
    text = bytearray(random.Random(4987).randbytes(BLOCK))
    for n in range(octets // BLOCK):
        text[:8] = n.to_bytes(8, "big")
        yield bytes(text)


def send(connection: socket.socket, octets: int, digests: list[str]) -> None:
    digest = hashlib.blake2b()
    for block in blocks(octets):
        digest.update(block)
        connection.sendall(block)
    connection.shutdown(socket.SHUT_WR)
    digests.append(digest.hexdigest())


def receive(connection: socket.socket) -> tuple[int, str]:
    digest, octets = hashlib.blake2b(), 0
    while text := connection.recv(BLOCK):
        digest.update(text)
        octets += len(text)
    return octets, digest.hexdigest()


def transfer(sender: socket.socket, receiver: socket.socket, octets: int) -> None:
    digests: list[str] = []
    for end in (sender, receiver):
        end.settimeout(10)
    sending = threading.Thread(target=send, args=(sender, octets, digests))
    sending.start()
    try:
        got = receive(receiver)
    finally:
        sending.join()
    assert got == (octets, digests[0])
    info = tcp_info(sender)
    assert info.retransmitted <= info.segments_out / 100


@pytest.mark.seconds(300)
@pytest.mark.parametrize("address", SERVERS)
def test_a_gigabyte_each_way_arrives_as_it_was_sent(lab: Lab, address: str) -> None:
    path = shield(lab)
    with path.listen(address) as listener, path.connect(address) as client:
        server, _ = listener.accept()
        with server:
            transfer(client, server, LENGTHS[address])
            transfer(server, client, LENGTHS[address])
    path.expect_closed()
    assert path.event("backend_established") == 1
    path.stop()


@pytest.mark.parametrize("address", SERVERS)
def test_iperf3_both_ways(lab: Lab, address: str) -> None:
    path = shield(lab, config(ports=(IPERF,)), teach=(IPERF,))
    for words in (["--time", "2"], ["--time", "2", "--reverse"], ["--time", "1", "--bidir"]):
        serving = path.server.start("iperf3", "--server", "--one-off", "--bind", address, "--logfile", "/dev/null")
        namespaces.wait_until(lambda: listens(path.server, IPERF), "iperf3 to listen")
        report = json.loads(path.client.run("iperf3", "--client", address, "--json", *words))
        assert "error" not in report
        assert report["end"]["sum_received"]["bytes"] > 10_000_000
        assert serving.wait(namespaces.RUN_SECONDS) == 0
    path.stop()


@pytest.mark.parametrize("address", SERVERS)
def test_a_long_way_is_filled(lab: Lab, address: str) -> None:
    """300 ms there and back: both windows are scaled, so far more is under way than the 64 KiB that fit the field."""
    path = shield(lab, front=("--delay=150",))
    with path.listen(address) as listener, path.connect(address) as client:
        server, _ = listener.accept()
        with server:
            for sender, receiver in ((server, client), (client, server)):
                assert most_under_way(sender, receiver, LONG_WAY) > 4 * 65_536
    path.expect_closed()
    path.stop()


@pytest.mark.parametrize("address", SERVERS)
@pytest.mark.parametrize("timestamps", (0, 1))
def test_a_server_measures_the_round_trip_to_its_client_only(lab: Lab, address: str, timestamps: int) -> None:
    """BBR believes the least sample for ten seconds, and that to synward takes microseconds."""
    path = shield(lab, front=("--delay=30",))
    path.client.sysctl("net.ipv4.tcp_timestamps", timestamps)
    with path.listen(address) as listener, path.connect(address) as client:
        server, _ = listener.accept()
        with server:
            exchange(client, server)
            assert tcp_info(client).least_rtt_us > 60_000
            assert tcp_info(server).least_rtt_us > 60_000
    path.expect_closed()
    path.stop()


def most_under_way(sender: socket.socket, receiver: socket.socket, octets: int) -> int:
    """Octets that were sent and not acknowledged, at the most, as the receiver sees the text arrive."""
    for end in (sender, receiver):
        end.settimeout(10)
    sending = threading.Thread(target=send, args=(sender, octets, []))
    sending.start()
    most = 0
    try:
        while text := receiver.recv(BLOCK):
            info = tcp_info(sender)
            most, octets = max(most, info.unacknowledged * info.send_mss), octets - len(text)
    finally:
        sending.join()
    assert octets == 0
    return most


@pytest.mark.seconds(90)
def test_a_half_closed_connection_is_as_good_as_another(lab: Lab) -> None:
    """Trap 22: longer than any time-out of the middle's own, over both families, and either side may close first."""
    path = shield(lab)
    halves = []
    for address in SERVERS:
        with path.listen(address) as listener:
            for client_first in (True, False):
                ends = path.connect(address), listener.accept()[0]
                halves.append(ends if client_first else ends[::-1])
    for quiet, _ in halves:
        quiet.settimeout(10)
        quiet.sendall(b"that is all")
        quiet.shutdown(socket.SHUT_WR)
    for pause in (7.5, 3.0, 0.0):
        for _, talking in halves:
            talking.sendall(b"and another thing")
        for quiet, _ in halves:
            assert quiet.recv(100) == b"and another thing"
        time.sleep(pause)
    for quiet, talking in halves:
        with quiet, talking:
            assert talking.recv(100) == b"that is all"
            assert talking.recv(100) == b""
            talking.close()
            assert quiet.recv(100) == b""
    path.expect_closed()
    path.stop()
