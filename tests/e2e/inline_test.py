"""Through synward to an unmodified Linux server."""

import pytest

from endpoint import SERVERS, tcp_info
from lab import Lab
from shield import Shield, shield


def exchange(path: Shield, address: str) -> None:
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


def test_what_concerns_no_service_passes(lab: Lab) -> None:
    path = shield(lab)
    for address in SERVERS:
        path.client.run("ping", "-c2", "-i0.2", "-W2", address)
    path.stop()


@pytest.mark.parametrize("address", SERVERS)
def test_a_question_and_its_answer(lab: Lab, address: str) -> None:
    path = shield(lab)
    exchange(path, address)  # passes, and teaches what its backend has
    assert path.event("adopted") == 1
    exchange(path, address)
    assert path.event("promoted") == 1
    assert path.event("backend_established") == 1
    [backend] = path.synward.stats()["backends"]
    assert (backend["address"], backend["down"], backend["handshakes"]) == (address, False, 2)
    assert backend["promise"]["timestamps"] and backend["promise"]["sack"]
    path.stop()
