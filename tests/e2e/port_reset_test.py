"""`synward port reset`: a device begins anew, and connections stay."""

import hashlib
import itertools
import socket
import subprocess
import threading

import pytest

import namespaces
from endpoint import SERVERS
from lab import Lab
from shield import exchange, shield
from synward import Synward, binary
from transfer_test import receive

HOST = """
[workers]
lcores = "1"
[[port]]
name = "outside"
device = "net_null0,no-rx=1"
[[port]]
name = "inside"
device = "net_tap0,iface=synward0"
[[service]]
name = "four"
address = "198.18.0.10"
port = 443
"""


def reset_port(synward: Synward, name: str) -> subprocess.CompletedProcess:
    return subprocess.run([binary(), "port", "reset", name, "--socket", str(synward.socket)], capture_output=True, text=True, timeout=60)


def send_until(done: threading.Event, connection: socket.socket, digests: list[str]) -> None:
    digest = hashlib.blake2b()
    for n in itertools.count():
        if done.is_set():
            break
        block = n.to_bytes(8, "big") * 10_000
        digest.update(block)
        connection.sendall(block)
    connection.shutdown(socket.SHUT_WR)
    digests.append(digest.hexdigest())


@pytest.mark.alone
@pytest.mark.parametrize("address", SERVERS)
def test_a_transfer_outlives_it(lab: Lab, address: str) -> None:
    path = shield(lab)
    with path.listen(address) as listener, path.connect(address) as client:
        server, _ = listener.accept()
        with server:
            exchange(client, server)
            digests: list[str] = []
            got: list[tuple[int, str]] = []
            done = threading.Event()
            threads = [
                threading.Thread(target=send_until, args=(done, server, digests)),
                threading.Thread(target=lambda: got.append(receive(client))),
            ]
            for thread in threads:
                thread.start()
            try:
                for name in ("outside", "inside", "outside", "inside"):
                    before = path.total()["rx"]
                    namespaces.wait_until(lambda: path.total()["rx"] > before + 1000, "the transfer to go on")
                    answer = reset_port(path.synward, name)
                    assert (answer.returncode, answer.stdout, answer.stderr) == (0, f"port {name} works again\n", "")
            finally:
                done.set()
                for thread in threads:
                    thread.join()
            assert [digest for _, digest in got] == digests
    assert [port["resets"] for port in path.synward.stats()["ports"]] == [2, 2]
    assert path.synward.log.read_text().count("connections stay") == 4
    assert "Every frame is accounted for." in path.synward.stop()


def test_what_cannot_be_reset_is_told(lab: Lab) -> None:
    synward = lab.synward(lab.namespace("synward"), HOST)
    done = reset_port(synward, "inside")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == 'synward: port "inside" is not reset: the other side of net_tap might go with it\n'
    done = reset_port(synward, "middle")
    assert (done.returncode, done.stderr) == (1, 'synward: there is no port "middle"; there are: outside, inside\n')
    done = reset_port(synward, "outside")
    assert (done.returncode, done.stdout) == (0, "port outside works again\n")
    assert "Every frame is accounted for." in synward.stop()
