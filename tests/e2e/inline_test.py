"""Through synward to an unmodified Linux server."""

import socket

import pytest

from endpoint import PORT, SERVER6, SERVERS, tcp_info
from lab import Lab
from shield import CLIENT_OF, Shield, exchange, family_of, shield


def ask(path: Shield, address: str) -> None:
    listener = path.listen(address)
    with listener, path.connect(address) as client:
        client.sendall(b"a question")
        server, _ = listener.accept()
        with server:
            assert server.recv(100) == b"a question"
            server.sendall(b"an answer")
            assert client.recv(100) == b"an answer"
            for end in (client, server):
                info = tcp_info(end)
                assert info.options & (info.TIMESTAMPS | info.SACK | info.WINDOW_SCALE) == 7


@pytest.mark.parametrize("address", SERVERS)
def test_what_concerns_no_service_passes(lab: Lab, address: str) -> None:
    """Neighbours find each other, and echoes, UDP, and TCP of ports that are no service's go both ways."""
    path = shield(lab, teach=())
    path.client.run("ping", "-c2", "-i0.2", "-W2", address)
    if address == SERVER6:
        # For net_af_packet the kernel puts IPv4 fragments together, to frames that fit no ring and no wire.
        path.client.run("ping", "-c2", "-i0.2", "-W2", "-s", "4000", address)
    path.server.run("ping", "-c2", "-i0.2", "-W2", CLIENT_OF[address])
    with path.listen(address, PORT + 1) as listener, path.connect(address, PORT + 1) as client:
        with listener.accept()[0] as server:
            exchange(client, server, bytes(1_000_000))
    with pytest.raises(ConnectionRefusedError):
        path.connect(address, PORT + 2)
    with path.server.entered(), socket.socket(family_of(address), socket.SOCK_DGRAM) as server:
        server.bind((address, PORT))
        server.settimeout(10)
        with path.client.entered(), socket.socket(family_of(address), socket.SOCK_DGRAM) as client:
            client.sendto(b"a datagram" * 100, (address, PORT))
        assert server.recv(4000) == b"a datagram" * 100
    assert path.event("syn_answered") == path.event("syn_passed") == 0
    path.stop()


@pytest.mark.parametrize("address", SERVERS)
def test_a_question_and_its_answer(lab: Lab, address: str) -> None:
    path = shield(lab, teach=())
    ask(path, address)  # passes, and teaches what its backend has
    assert path.event("adopted") == 1
    ask(path, address)
    assert path.event("promoted") == 1
    assert path.event("backend_established") == 1
    [backend] = path.synward.stats()["backends"]
    assert (backend["address"], backend["down"], backend["handshakes"]) == (address, False, 2)
    assert backend["promise"]["timestamps"] and backend["promise"]["sack"]
    path.stop()
