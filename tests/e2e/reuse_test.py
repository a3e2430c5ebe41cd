"""Ends that reset a connection or forget it without a word, and ports that are used again."""

import errno
import socket
import time

import pytest

from endpoint import PORT, SERVERS
from lab import Lab
from shield import CLIENT_OF, Shield, exchange, family_of, read, reset, shield

TCP_REPAIR = 19  # linux/tcp.h
TICK_SECONDS = 0.25  # of the connection table


def forget(connection: socket.socket) -> None:
    """The kernel forgets a connection without a word, as when its machine lost power."""
    connection.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    connection.close()


def connect_from(path: Shield, address: str, port: int) -> socket.socket:
    """From a certain port of the client, as soon as that is free."""
    start = time.monotonic()
    while True:
        with path.client.entered():
            connection = socket.socket(family_of(address))
        connection.settimeout(10)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        connection.bind((CLIENT_OF[address], port))
        try:
            connection.connect((address, PORT))
            return connection
        except OSError as error:
            connection.close()
            if error.errno != errno.EADDRNOTAVAIL or time.monotonic() > start + 10:
                raise


@pytest.mark.parametrize("address", SERVERS)
def test_a_client_that_lost_its_memory_comes_back_with_the_same_port(lab: Lab, address: str) -> None:
    """Trap 21: the connection of before is replaced, and its backend's half is reset."""
    path = shield(lab)
    with path.listen(address) as listener:
        client = connect_from(path, address, 5000)
        old, _ = listener.accept()
        exchange(client, old, b"a password" * 1000)
        forget(client)
        with connect_from(path, address, 5000) as client, listener.accept()[0] as server:
            exchange(client, server)
            with old, pytest.raises(ConnectionResetError):
                old.recv(1)
            exchange(client, server)
    assert path.event("replaced") == 1
    path.expect_closed()
    path.stop()


@pytest.mark.parametrize("address", SERVERS)
def test_a_port_is_used_again_at_once(lab: Lab, address: str) -> None:
    """The new connection's numbers lie close behind those of the old one, as Linux chooses its ISNs (RFC 6528)."""
    path = shield(lab)
    with path.listen(address) as listener:
        for _ in range(600):
            with connect_from(path, address, 5000) as client:
                with listener.accept()[0] as server:
                    exchange(client, server)
                assert client.recv(1) == b""
    path.expect_closed()
    path.stop()


def test_a_port_is_used_again_after_any_time(lab: Lab) -> None:
    """And the server speaks first: when the client's ACK is lost, nothing is ever sent again."""
    path = shield(lab)
    ages = 18  # in ticks: more than the four bits in which a connection notes one
    with path.listen(SERVERS[0]) as four, path.listen(SERVERS[1]) as six:
        for again in (False, True):
            for port in range(5000, 5000 + ages):
                for listener, address in zip((four, six), SERVERS):
                    with connect_from(path, address, port) as client:
                        with listener.accept()[0] as server:
                            server.sendall(b"hello")
                        assert read(client, 6) == b"hello"
                time.sleep(0 if again else TICK_SECONDS)
    path.expect_closed()
    path.stop()


@pytest.mark.parametrize("address", SERVERS)
def test_resets_reach_the_other_end(lab: Lab, address: str) -> None:
    """Trap 20: each end's RST in the numbers of the other, that of a server that lost its memory included."""
    path = shield(lab)
    with path.listen(address) as listener:
        for from_server in (False, True):
            client, server = path.connect(address), listener.accept()[0]
            exchange(client, server)
            resetting, other = (server, client) if from_server else (client, server)
            reset(resetting)
            with other, pytest.raises(ConnectionResetError):
                other.recv(1)
        client, server = path.connect(address), listener.accept()[0]
        exchange(client, server)
        forget(server)
        client.sendall(b"hello?")
        with client, pytest.raises(ConnectionResetError):
            client.recv(1)
    path.expect_closed()
    path.stop()
