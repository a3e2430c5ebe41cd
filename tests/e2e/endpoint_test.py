"""synward at one end of a wire, the Linux TCP stack at the other: reachability, and what a SYN-ACK agrees to."""

import socket

import pytest

import namespaces
from endpoint import SERVER4, SERVERS, TcpInfo, config, opened, over_veth, tcp_info
from synward import binary

EVERY_OPTION = TcpInfo.TIMESTAMPS | TcpInfo.SACK | TcpInfo.WINDOW_SCALE


@pytest.fixture
def served(lab):
    """A Linux client, and synward with one worker at the other end of its wire."""
    return over_veth(lab, config())


@pytest.mark.parametrize("address", SERVERS)
def test_linux_completes_its_handshake_with_every_option(lab, served, address):
    recorded = lab.capture(served.client, "near")
    with served.connect(address) as connection:
        info = tcp_info(connection)
    header_and_timestamps = 52 if address == SERVER4 else 72
    assert info.options & EVERY_OPTION == EVERY_OPTION
    assert info.scales & 0x0F == 7
    assert info.send_mss == 1500 - header_and_timestamps
    recorded.assert_clean()
    assert len(recorded.frames("tcp.flags.syn == 1 && tcp.flags.ack == 1 && !tcp.analysis.retransmission")) == 1
    served.expect_events(opened(1, closed=1))
    served.stop()


@pytest.mark.parametrize(
    "setting, missing",
    [
        ("tcp_timestamps", TcpInfo.TIMESTAMPS),
        ("tcp_sack", TcpInfo.SACK),
        ("tcp_window_scaling", TcpInfo.WINDOW_SCALE),
    ],
)
def test_what_linux_does_not_offer_is_not_answered_and_not_missed(served, setting, missing):
    served.client.sysctl(f"net.ipv4.{setting}", 0)
    for address in SERVERS:
        with served.connect(address) as connection:
            assert tcp_info(connection).options & EVERY_OPTION == EVERY_OPTION & ~missing
            connection.sendall(bytes(1_000_000))
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(1) == b""
    served.expect_events(opened(2, closed=2))
    served.stop()


def test_ping_is_answered(served):
    for address in SERVERS:
        # Fails unless three answers have come by the deadline, however late.
        served.client.run("ping", "-c", "3", "-w", "8", "-i", "0.1", "-s", "1000", address)


def test_a_closed_port_is_silent_and_counted(served):
    with served.client.entered(), pytest.raises(TimeoutError):
        socket.create_connection((SERVER4, 80), timeout=1.5)
    assert served.total()["drops"]["no_service"] >= 1


def test_a_missing_interface_is_told_in_one_sentence(lab):
    far = lab.namespace("synward")
    path = lab.folder / "missing.toml"
    path.write_text(config())
    with pytest.raises(namespaces.LabError, match='(?s)exit code 1: .*there is no interface "far"'):
        far.run(binary(), "run", "-c", str(path), seconds=20)
