"""Path MTU discovery through synward: a router answers what is too long for it, and whoever sent it must believe it."""

import itertools
import socket
import threading

import pytest

import namespaces
from endpoint import SERVER4, SERVER6, SERVERS
from lab import Lab
from shield import Shield, config

CLIENT4, CLIENT6 = "198.18.1.1", "2001:2:0:1::1"
TEXT = bytes(range(256)) * 4096  # 1 MiB


def routed_shield(lab: Lab, narrow: str) -> Shield:
    """Client and server in two subnets, with synward and a router between them. The router stands before the `narrow`
    end, and lets no packet of more than 1300 bytes through to it.
    """
    client, middle, router, server = (lab.namespace(name) for name in ("client", "synward", "router", "server"))
    order = [(client, "wire", "wire"), (router, "left", "right"), (middle, "outside", "inside"), (server, "wire", "wire")]
    if narrow == "server":
        order[1], order[2] = order[2], order[1]
    for (one, _, right), (other, left, _) in itertools.pairwise(order):
        namespaces.wire(one, right, other, left)
    client.configure("wire", f"{CLIENT4}/24", f"{CLIENT6}/64")
    server.configure("wire", f"{SERVER4}/24", f"{SERVER6}/64")
    router.configure("left", "198.18.1.2/24", "2001:2:0:1::2/64")
    router.configure("right", "198.18.0.2/24", "2001:2::2/64")
    client.run("ip", "route", "add", "198.18.0.0/24", "via", "198.18.1.2")
    client.run("ip", "route", "add", "2001:2::/64", "via", "2001:2:0:1::2")
    server.run("ip", "route", "add", "198.18.1.0/24", "via", "198.18.0.2")
    server.run("ip", "route", "add", "2001:2:0:1::/64", "via", "2001:2::2")
    router.sysctl("net.ipv4.ip_forward", 1)
    router.sysctl("net.ipv6.conf.all.forwarding", 1)
    interface, ends = ("left", (CLIENT4, CLIENT6)) if narrow == "client" else ("right", (SERVER4, SERVER6))
    for end in ends:
        router.run("ip", "route", "add", end, "dev", interface, "mtu", "1300")
    middle.lend("outside")
    middle.lend("inside")
    return Shield(client, server, middle, lab.synward(middle, config()))


def send_all(sender: socket.socket, receiver: socket.socket) -> None:
    """TEXT from one end to the other; fails after ten seconds of silence."""
    for end in (sender, receiver):
        end.settimeout(10)
    thread = threading.Thread(target=sender.sendall, args=(TEXT,), daemon=True)
    thread.start()
    got = bytearray()
    while len(got) < len(TEXT):
        chunk = receiver.recv(65536)
        assert chunk
        got += chunk
    thread.join(10)
    assert got == TEXT


def exchange(path: Shield, address: str, narrow: str | None = None) -> None:
    with path.listen(address) as listener, path.connect(address) as client:
        client.sendall(b"go")
        server, _ = listener.accept()
        with server:
            assert server.recv(2) == b"go"
            if narrow:
                send_all(*((server, client) if narrow == "client" else (client, server)))


@pytest.mark.parametrize("narrow", ("client", "server"))
@pytest.mark.parametrize("address", SERVERS)
def test_both_ends_learn_of_a_narrow_link_behind_synward(lab: Lab, address: str, narrow: str) -> None:
    path = routed_shield(lab, narrow)
    exchange(path, address)  # passes, and teaches what its backend has
    exchange(path, address, narrow)
    assert path.event("backend_established") == 1
    assert path.event("icmp_translated") >= 1
    path.stop()
