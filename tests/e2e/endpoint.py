"""synward at one end of a wire and Linux at the other: what the tests of endpoint mode have in common."""

import contextlib
import dataclasses
import socket
import struct
from collections.abc import Callable

from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

import namespaces
from handmade import HandmadeClient
from lab import Lab
from namespaces import Namespace
from synward import Synward

CLIENT4, SERVER4 = "198.18.0.1", "198.18.0.10"
CLIENT6, SERVER6 = "2001:2::1", "2001:2::10"
SERVERS = (SERVER4, SERVER6)
PORT = 443

# What repeats when nobody answers within a second, as it happens on a busy machine: Linux's SYN, and our FIN.
REPEATABLE = ("syn_answered", "fin_repeated")

# More frames than a receive window of ours holds segments: nothing is lost on this wire, however late synward is.
VETH = "net_af_packet0,iface=far,framecnt=2048"


def config(*, lcores: str = "1", device: str = VETH, port: str = "", service: str = "") -> str:
    """Both families at one port; `port` and `service` are TOML that belongs to it, and to both of them."""
    text = f'[workers]\nlcores = "{lcores}"\n[[port]]\nname = "outside"\ndevice = "{device}"\n{port}\n'
    for name, address in (("four", SERVER4), ("six", SERVER6)):
        text += f'[[service]]\nname = "{name}"\naddress = "{address}"\nport = {PORT}\nthen = "accept"\n{service}\n'
    return text


def opened(connections: int, **others: int) -> dict[str, int]:
    """The events of so many connections that were opened as usual, and what else happened."""
    usual = ("syn_answered", "cookie_valid", "promoted", "accepted")
    return dict.fromkeys(usual, connections) | others


def present(counts: dict[str, int]) -> dict[str, int]:
    return {label: count for label, count in counts.items() if count}


def expect(read: Callable[[], object], expected: object) -> None:
    """Waits until `read()` is as expected; when it never is, the assertion shows the difference."""
    with contextlib.suppress(namespaces.LabError):
        namespaces.wait_until(lambda: read() == expected, str(expected))
    assert read() == expected


@dataclasses.dataclass
class Endpoint:
    """A Linux client, the interface that leads it to synward, and synward."""

    client: Namespace
    interface: str
    synward: Synward

    def connect(self, address: str) -> socket.socket:
        with self.client.entered():
            return socket.create_connection((address, PORT), timeout=10)

    def total(self) -> dict:
        return self.synward.stats()["total"]

    def expect_events(self, expected: dict[str, int], maybe: tuple[str, ...] = ()) -> None:
        """Waits until exactly these events have happened, the REPEATABLE ones at least so often, and, it may be, those in `maybe`."""

        def events() -> dict[str, int]:
            counts = self.total()["events"]
            return present(counts | {label: min(counts[label], expected.get(label, 0)) for label in (*REPEATABLE, *maybe)})

        expect(events, expected)

    def expect_gauges(self, **expected: int) -> None:
        """Waits until these gauges stand so: workers publish them once a turn."""
        expect(lambda: {label: self.total()["gauges"][label] for label in expected}, expected)

    def expect_drops(self, expected: dict[str, int], maybe: tuple[str, ...] = ()) -> None:
        """Waits until exactly this was dropped, and, it may be, for the reasons in `maybe`."""
        # Linux looks for routers and multicast listeners when IPv6 begins.
        expect(lambda: present(self.total()["drops"] | dict.fromkeys(("icmp_ignored", *maybe), 0)), expected)

    def expect_sockets(self, *states: str) -> None:
        """Waits until the client's kernel has TCP sockets in these states and in no others."""
        namespaces.wait_until(lambda: self.sockets() == sorted(states), f"sockets in {states or 'no state'}")

    def sockets(self) -> list[str]:
        return sorted(line.split()[0] for line in self.client.run("ss", "-Htan").splitlines())

    def stop(self, drops: dict[str, int] | None = None, connections: int = 0, maybe: tuple[str, ...] = ()) -> None:
        """Ends synward, which must account for every frame, and have dropped nothing but what `drops` and `maybe` say."""
        self.expect_gauges(accept_queue=0)
        expect(self._connections, connections)
        self.expect_drops(drops or {}, maybe)
        assert "Every frame is accounted for." in self.synward.stop()

    def _connections(self) -> int:
        gauges = self.total()["gauges"]
        return gauges["connections4"] + gauges["connections6"]


def over_veth(lab: Lab, text: str, mtu: int = 1500, isa: str = "auto", node: str = "synward") -> Endpoint:
    """`node` tells several of one test apart."""
    client, far = lab.namespace(f"client-of-{node}"), lab.namespace(node)
    namespaces.wire(client, "near", far, "far", mtu)
    client.configure("near", f"{CLIENT4}/24", f"{CLIENT6}/64")
    far.lend("far")
    return Endpoint(client, "near", lab.synward(far, text, isa=isa, name=node))


def handmade_client(lab: Lab, node: Endpoint, address: str, number: int = 0) -> HandmadeClient:
    """`number` tells several of one test apart."""
    mac = node.synward.namespace.run("cat", "/sys/class/net/far/address").strip()
    return HandmadeClient(lab.frames(node.client, node.interface), mac, address, PORT, number)


def flood(lab: Lab, node: Endpoint, source: str, flags: str, count: int) -> None:
    """Segments to the first service, no faster than synward takes them: none is lost or shed on a busy machine."""
    frames = lab.frames(node.client, node.interface)
    mac = node.synward.namespace.run("cat", "/sys/class/net/far/address").strip()
    frame = Ether(bytes(Ether(dst=mac, src=frames.mac) / IP(src=source, dst=SERVERS[0]) / TCP(sport=7, dport=PORT, flags=flags)))
    received = node.total()["rx"]
    for sent in range(count):
        frames.send(frame)
        if sent % 250 == 249:
            namespaces.wait_until(lambda: node.total()["rx"] > received + sent, "the flood to arrive")


@dataclasses.dataclass(frozen=True)
class TcpInfo:
    """What Linux knows of a connection: tcp(7), linux/tcp.h."""

    options: int
    scales: int  # as the kernel packs them: the peer's in the low four bits
    send_mss: int
    unacknowledged: int  # segments
    retransmitted: int  # segments
    segments_out: int
    least_rtt_us: int

    TIMESTAMPS, SACK, WINDOW_SCALE = 1, 2, 4


def tcp_info(connection: socket.socket) -> TcpInfo:
    raw = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 152)
    words = struct.unpack_from("36I", raw, 8)
    return TcpInfo(
        raw[5],
        raw[6],
        send_mss=words[2],
        unacknowledged=words[4],
        retransmitted=words[23],
        segments_out=words[32],
        least_rtt_us=words[35],
    )
