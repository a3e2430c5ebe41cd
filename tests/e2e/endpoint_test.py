"""synward at one end of a wire, the Linux TCP stack at the other."""

import socket
import struct

import pytest

import namespaces
from synward import binary

CLIENT4, SERVER4 = "198.18.0.1", "198.18.0.10"
CLIENT6, SERVER6 = "2001:2::1", "2001:2::10"
PORT = 443
TIMESTAMPS, SACK, WINDOW_SCALE = 1, 2, 4  # TCP_INFO's tcpi_options

CONFIG = """
[workers]
lcores = "{lcores}"
[[port]]
name = "outside"
device = "net_af_packet0,iface=far{devargs}"
[[service]]
name = "four"
address = "198.18.0.10"
port = 443
[[service]]
name = "six"
address = "2001:2::10"
port = 443
"""


@pytest.fixture
def served(lab):
    """A Linux client, and synward with one worker at the other end of its wire."""
    client, far = lab.namespace("client"), lab.namespace("synward")
    namespaces.wire(client, "near", far, "far")
    client.configure("near", f"{CLIENT4}/24", f"{CLIENT6}/64")
    far.lend("far")
    return client, lab.synward(far, CONFIG.format(lcores="1", devargs=""))


def connect(client, address: str) -> socket.socket:
    with client.entered():
        return socket.create_connection((address, PORT), timeout=5)


def options(connection: socket.socket) -> tuple[int, int, int]:
    """TCP_INFO's option bits, its window scales (ours << 4 | theirs as the kernel packs them), and the MSS to send with."""
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    return info[5], info[6], struct.unpack_from("I", info, 16)[0]


@pytest.mark.parametrize("address", [SERVER4, SERVER6])
def test_linux_completes_its_handshake_with_every_option(lab, served, address):
    client, synward = served
    recorded = lab.capture(client, "near")
    with connect(client, address) as connection:
        bits, scales, mss = options(connection)
    header_and_timestamps = 52 if address == SERVER4 else 72
    assert bits & (TIMESTAMPS | SACK | WINDOW_SCALE) == TIMESTAMPS | SACK | WINDOW_SCALE
    assert scales & 0x0F == 7
    assert mss == 1500 - header_and_timestamps
    recorded.assert_clean()
    assert len(recorded.frames("tcp.flags.syn == 1 && tcp.flags.ack == 1")) == 1
    assert synward.stats()["total"]["events"]["syn_answered"] == 1
    assert "Every frame is accounted for." in synward.stop()


@pytest.mark.parametrize("address", [SERVER4, SERVER6])
@pytest.mark.parametrize(
    "setting, missing", [("tcp_timestamps", TIMESTAMPS), ("tcp_sack", SACK), ("tcp_window_scaling", WINDOW_SCALE)]
)
def test_what_linux_does_not_offer_is_not_answered(served, setting, missing, address):
    client, _ = served
    client.sysctl(f"net.ipv4.{setting}", 0)
    with connect(client, address) as connection:
        bits, _, _ = options(connection)
    assert bits & (TIMESTAMPS | SACK | WINDOW_SCALE) == (TIMESTAMPS | SACK | WINDOW_SCALE) & ~missing


def test_ping_is_answered(served):
    client, _ = served
    for address in (SERVER4, SERVER6):
        assert " 0% packet loss" in client.run("ping", "-c", "3", "-i", "0.1", "-s", "1000", address)


def test_a_closed_port_is_silent_and_counted(served):
    client, synward = served
    with client.entered(), pytest.raises(TimeoutError):
        socket.create_connection((SERVER4, 80), timeout=1.5)
    assert synward.stats()["total"]["drops"]["no_service"] >= 1


def test_two_workers_and_a_client_share_two_cores(lab):
    client, far = lab.namespace("client"), lab.namespace("synward")
    namespaces.wire(client, "near", far, "far")
    client.configure("near", f"{CLIENT4}/24", f"{CLIENT6}/64")
    far.lend("far")
    synward = lab.synward(far, CONFIG.format(lcores="0-1", devargs=",qpairs=2"))
    for _ in range(20):
        connect(client, SERVER4).close()
    total = synward.stats()["total"]
    assert total["events"]["syn_answered"] == 20
    text = synward.stop()
    assert "Every frame is accounted for." in text


def test_a_missing_interface_is_told_in_one_sentence(lab):
    far = lab.namespace("synward")
    config = lab.folder / "missing.toml"
    config.write_text(CONFIG.format(lcores="1", devargs=""))
    with pytest.raises(namespaces.LabError, match='(?s)exit code 1: .*there is no interface "far"'):
        far.run(binary(), "run", "-c", str(config), seconds=20)
