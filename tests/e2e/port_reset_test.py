"""`synward port reset`: a device begins anew, and connections stay."""

import subprocess
import threading

import pytest

from endpoint import SERVERS, tcp_info
from lab import Lab
from shield import exchange, shield
from synward import Synward, binary
from transfer_test import receive, send

LENGTH = 300_000_000
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


@pytest.mark.parametrize("address", SERVERS)
def test_a_transfer_outlives_it(lab: Lab, address: str) -> None:
    path = shield(lab)
    with path.listen(address) as listener, path.connect(address) as client:
        server, _ = listener.accept()
        with server:
            exchange(client, server)
            digests: list[str] = []
            said: list[str] = []
            names = ["outside", "inside", "outside", "inside"]
            threads = [
                threading.Thread(target=send, args=(server, LENGTH, digests)),
                threading.Thread(target=lambda: said.extend(reset_port(path.synward, name).stdout for name in names)),
            ]
            for thread in threads:
                thread.start()
            got = receive(client)
            for thread in threads:
                thread.join()
            assert got == (LENGTH, digests[0])
            assert said == [f"port {name} works again\n" for name in names]
            assert tcp_info(server).retransmitted > 0, "nothing was under way meanwhile"
    assert [port["resets"] for port in path.synward.stats()["ports"]] == [2, 2]
    assert path.synward.log.read_text().count("connections stay") == 4
    assert "Every frame is accounted for." in path.synward.stop()


def test_what_cannot_be_reset_is_told(lab: Lab) -> None:
    synward = lab.synward(lab.namespace("synward"), HOST)
    done = reset_port(synward, "inside")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == 'synward: port "inside" is not reset: net_tap knows no reset\n'
    done = reset_port(synward, "middle")
    assert (done.returncode, done.stderr) == (1, 'synward: there is no port "middle"; there are: outside, inside\n')
    done = reset_port(synward, "outside")
    assert (done.returncode, done.stdout) == (0, "port outside works again\n")
    assert "Every frame is accounted for." in synward.stop()
