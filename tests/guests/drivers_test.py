"""synward on the registers of real cards, which QEMU plays: by the drivers that a NIC of that kind gets on bare metal."""

import dataclasses
import json

import pytest
from scapy.packet import Raw

from guest import Guest, Loop, Tap, Wire
from handmade import HandmadeClient, HandmadeServer
from namespaces import wait_until

SERVERS = {"198.18.0.10": 1460, "2001:2::10": 1440}
JUMBO = 9000
PORT = 80
WORKERS = 4
OPTIONS = [("NOP", None), ("WScale", 7), ("NOP", None), ("NOP", None), ("SAckOK", b"")]
CONFIG = """
[workers]
lcores = "{lcores}"
[[port]]
name = "outside"
device = "{outside}"
mtu = {mtu}
[[port]]
name = "inside"
device = "{inside}"
mtu = {mtu}
[[service]]
name = "four"
address = "198.18.0.10"
port = 80
[[service]]
name = "six"
address = "2001:2::10"
port = 80
[table]
connections_per_core = 4096
"""


@dataclasses.dataclass(frozen=True)
class Card:
    """What QEMU calls it, and what synward should find: how many queues, what RSS comes to, what it checks."""

    name: str
    driver: str
    queues: int
    rss: str
    offloads: tuple[str, ...] = ("IPV4_CKSUM", "TCP_CKSUM")
    flows: int = 40  # of each family; so many segments verify RSS


# The igb is an 82576, with RSS that does as it is told. The e1000e has two queues for four workers, and no RSS. The vmxnet3 says
# that it has RSS, and puts everything into one queue.
IGB = Card("igb", "net_e1000_igb", 4, "verified")
E1000E = Card("e1000e", "net_e1000_em", 2, "none")
VMXNET3 = Card("vmxnet3", "net_vmxnet3", 4, "failed", ("TCP_CKSUM",))
_VIRTIO = "virtio-net-pci,mq=on,vectors=10"
VIRTIO = Card(_VIRTIO, "net_virtio", 4, "none", ())
VIRTIO_RSS = Card(f"{_VIRTIO},rss=on", "net_virtio", 4, "verified", ())
# Half as many queues as workers, and more segments than two queues may look at before they are told to go on.
VIRTIO_RSS_2 = Card(f"{_VIRTIO},rss=on", "net_virtio", 2, "verified", (), flows=90)


def of_ports(guest: Guest, what: str) -> dict:
    return {port["name"]: port[what] for port in guest.stats()["ports"]}


def links(guest: Guest) -> dict[str, str]:
    return of_ports(guest, "link")


class Traffic:
    """Clients and servers on the cables of a guest in which synward runs, and knows the servers."""

    def __init__(self, guest: Guest, more: str = "", mtu: int = 1500, lcores: str = "0-3"):
        self.guest, self._clients = guest, 0
        guest.start(CONFIG.format(outside=guest.OUTSIDE, inside=guest.INSIDE, mtu=mtu, lcores=lcores) + more)
        wait_until(lambda: set(links(guest).values()) == {"up"}, "both links to be up")

    def client(self, address: str) -> HandmadeClient:
        self._clients += 1
        return HandmadeClient(self.guest.outside, self.guest.inside.mac, address, PORT, self._clients)

    def syn(self, client: HandmadeClient, mss: int, **fields: object):
        return client.segment("S", options=[("MSS", mss), *OPTIONS], **fields)

    def server(self, client: HandmadeClient, mss: int) -> HandmadeServer:
        """It has the SYN that came to it, and its answer is under way."""
        server = HandmadeServer(self.guest.inside, client)
        server.send(server.segment("SA", options=[("MSS", mss), *OPTIONS]))
        return server

    def teach(self, address: str) -> None:
        """The first connection passes, and synward learns from it what to promise in the server's name."""
        client = self.client(address)
        client.send(self.syn(client, SERVERS[address]))
        self.server(client, SERVERS[address])
        assert client.answer().flags == "SA"
        client.send(client.segment("R"))

    def connection(self, address: str) -> tuple[HandmadeClient, HandmadeServer]:
        """A cookie, a connection to the server, and text in both directions."""
        client = self.client(address)
        syn_ack = client.answer_to(self.syn(client, SERVERS[address]))
        assert (syn_ack.flags, syn_ack.ack) == ("SA", client.next)
        assert ("MSS", SERVERS[address]) in syn_ack.options
        client.send(client.segment("A"))
        server = self.server(client, SERVERS[address])
        self.talk(client, server)
        return client, server

    @staticmethod
    def talk(client: HandmadeClient, server: HandmadeServer, question: bytes = b"a question", answer: bytes = b"an answer") -> None:
        client.send(client.segment("PA", question))
        assert server.text() == question
        server.send(server.segment("PA", answer))
        assert client.answer()[Raw].load == answer

    def broken(self, address: str) -> None:
        """Neither a SYN nor a cookie's ACK is taken whose checksum is wrong."""
        client = self.client(address)
        client.send(self.syn(client, SERVERS[address], chksum=0x1234))
        client.expect_silence(0.3)
        client = self.client(address)
        client.answer_to(self.syn(client, SERVERS[address]))
        client.send(client.segment("A", chksum=0x1234))
        client.expect_silence(0.3)


def connections(card: Card, guest: Guest) -> None:
    """Of both families, and what synward finds of the cards meanwhile; the first outlives the reset of both."""
    lab = Traffic(guest)
    for address in SERVERS:
        lab.teach(address)
    open_before = lab.connection(next(iter(SERVERS)))
    for name in ("outside", "inside"):
        assert guest.run(f"synward port reset {name} --socket /run/synward.sock") == f"port {name} works again\n"
    wait_until(lambda: set(links(guest).values()) == {"up"}, "both links to be up")
    lab.talk(*open_before)
    for address in SERVERS:
        for _ in range(card.flows):
            lab.connection(address)
        lab.broken(address)
    rss = {"ipv4": card.rss, "ipv6": card.rss}
    wait_until(lambda: of_ports(guest, "rss") == {"outside": rss, "inside": rss}, f"RSS of both ports to be {card.rss}")
    stats = guest.stats()
    total = stats["total"]
    for port in stats["ports"]:
        found = {what: port[what] for what in ("driver", "link", "receive_queues", "receive_offloads")}
        assert found == {"driver": card.driver, "link": "up", "receive_queues": card.queues, "receive_offloads": list(card.offloads)}
        assert port["resets"] == 1 and port["xstats"]["rx_good_packets"] > 0
    assert total["events"]["promoted"] == total["events"]["backend_established"] == 1 + 2 * card.flows
    assert total["drops"]["bad_tcp_checksum"] == 4
    assert all(core["events"]["promoted"] > 0 for core in stats["cores"])
    assert (total["handed_over"] == 0) == (card.rss == "verified" and card.queues == WORKERS)
    assert "Every frame is accounted for." in guest.stop()


def jumbo_frames(guest: Guest) -> None:
    """Text that fills them, in both directions: with its checksum verified by the card, or by synward."""
    lab = Traffic(guest, mtu=JUMBO, lcores="0")  # packets are large, the guest is not
    for address in SERVERS:
        lab.teach(address)
        full = bytes(range(256)) * 35
        lab.talk(*lab.connection(address), full[: SERVERS[address] - 1460 + JUMBO - 60], full[-(JUMBO - 100) :])
    assert [port["mtu"] for port in guest.stats()["ports"]] == [JUMBO, JUMBO]
    assert "Every frame is accounted for." in guest.stop()


@pytest.mark.parametrize("card", [IGB, E1000E, VMXNET3], ids=lambda card: card.name)
def test_connections_through_two_ports(card: Card, tmp_path) -> None:
    with Guest(tmp_path, card.name, Wire(tmp_path, "outside"), Wire(tmp_path, "inside")) as guest:
        connections(card, guest)
        jumbo_frames(guest)


def test_links_go_down_together(tmp_path) -> None:
    """As far as the driver is told: QEMU's cards know no transceiver that is switched off."""
    with Guest(tmp_path, IGB.name, Wire(tmp_path, "outside"), Wire(tmp_path, "inside")) as guest:
        traffic = Traffic(guest, "[inline]\npropagate_link = true\n")
        address = next(iter(SERVERS))
        traffic.teach(address)
        for pulled, other in (("outside", "inside"), ("inside", "outside")):
            guest.link(pulled, "off")
            wait_until(lambda: f"port {other}: link taken down, for that of {pulled} is down" in guest.log(), "the other to follow")
            guest.link(pulled, "on")
            wait_until(lambda: f"port {other}: link let up, for that of {pulled} is up" in guest.log(), "the other to follow")
            wait_until(lambda: set(links(guest).values()) == {"up"}, "both links to be up")
            traffic.connection(address)
        assert "Every frame is accounted for." in guest.stop()


HOST = """
[[port]]
name = "outside"
device = "{outside}"
[[port]]
name = "inside"
device = "net_tap0,iface=synward0"
[[service]]
name = "web"
address = "198.18.0.10"
port = 80
"""


def test_one_card_and_the_machines_own_kernel(tmp_path) -> None:
    """Host mode on a NIC: behind it a TAP, and there the web server of the machine itself."""
    with Guest(tmp_path, IGB.name, Wire(tmp_path, "outside"), Wire(tmp_path, "inside")) as guest:
        guest.start(HOST.format(outside=guest.OUTSIDE), arguments="")
        assert "plan: worker 0 on processor 1, node 0 polls queue 0 of outside" in guest.log()
        guest.run("ip address add 198.18.0.10/24 dev synward0; ip link set synward0 up; mkdir /www; echo hello >/www/index.html; httpd -h /www")
        mac = guest.run("cat /sys/class/net/synward0/address").strip()
        wait_until(lambda: links(guest)["outside"] == "up", "the link to be up")
        for number in range(3):  # the first teaches what the kernel offers
            client = HandmadeClient(guest.outside, mac, "198.18.0.10", PORT, number)
            guest.run(f"arp -i synward0 -s {client.address} {guest.outside.mac}")
            assert client.answer_to(client.segment("S", options=[("MSS", 1460), *OPTIONS])).flags == "SA"
            client.send(client.segment("A"))
            text = bytes()
            client.send(client.segment("PA", b"GET /index.html HTTP/1.0\r\n\r\n"))
            while b"hello" not in text:
                answer = client.answer()
                text += answer[Raw].load if Raw in answer else b""
            assert text.startswith(b"HTTP/1.1 200 OK")
        assert guest.stats()["total"]["events"]["backend_established"] == 2
        assert "Every frame is accounted for." in guest.stop()


def test_cables_come_and_go(tmp_path) -> None:
    with Guest(tmp_path, IGB.name, Wire(tmp_path, "outside"), Wire(tmp_path, "inside")) as guest:
        traffic = Traffic(guest)
        address = next(iter(SERVERS))
        traffic.teach(address)
        for name in ("outside", "inside"):
            for state, link in (("off", "down"), ("on", "up")):
                guest.link(name, state)
                wait_until(lambda: links(guest)[name] == link, f"the link of {name} to be {link}")
                assert f"port {name}: link {link}" in guest.log().splitlines()[-1]
            traffic.connection(address)
        assert "Every frame is accounted for." in guest.stop()


@pytest.mark.parametrize("card, driver", [(IGB, "uio_pci_generic"), (E1000E, "vfio-pci")], ids=["uio", "vfio"])
def test_a_card_that_goes_ends_it(card: Card, driver: str, tmp_path) -> None:
    """vfio asks synward to let go, and the kernel waits for that; uio does not ask. A reset before changes nothing of that."""
    with Guest(tmp_path, card.name, Wire(tmp_path, "outside"), Wire(tmp_path, "inside"), driver=driver) as guest:
        traffic = Traffic(guest)
        for address in SERVERS:
            traffic.teach(address)
        open_before = traffic.connection(address)
        guest.run("synward port reset inside --socket /run/synward.sock")
        wait_until(lambda: set(links(guest).values()) == {"up"}, "both links to be up")
        traffic.talk(*open_before)
        guest.run(f"echo 1 >/sys/bus/pci/devices/{guest.INSIDE}/remove &")
        wait_until(lambda: not guest.serves(), "synward to end")
        log = guest.log()
        assert log.endswith("synward: port inside: its device is gone; start again once it is back\n")
        assert "Every frame is accounted for." in log


@pytest.mark.parametrize("card", [VIRTIO, VIRTIO_RSS, VIRTIO_RSS_2], ids=["without-rss", "with-rss", "two-queues"])
def test_connections_through_virtio(card: Card, lab, tmp_path) -> None:
    namespace = lab.namespace("guest")
    cables = [Tap(namespace, name, card.queues) for name in ("outside", "inside")]
    with Guest(tmp_path, card.name, *cables, inside_of=namespace) as guest:
        connections(card, guest)
        for cable in ("outside", "inside"):
            namespace.run("ip", "link", "set", cable, "mtu", str(JUMBO))
        jumbo_frames(guest)


def test_a_trial_of_synward_load_from_one_card_to_the_other(tmp_path) -> None:
    """Its clients and its attack at one, its backend at the other, a cable between them."""
    with Guest(tmp_path, IGB.name, Loop(tmp_path, "outside"), Loop(tmp_path, "inside")) as guest:
        roles = f"--device {guest.OUTSIDE} --backend {guest.INSIDE} --target 198.18.0.10:443 '[2001:2::10]:443'"
        amount = "--clients 50 --arrivals constant --flood 200 --baseline 1 --duration 2 --recovery 1"
        guest.run(f"synward-load {roles} {amount} --request question --expect answer --answer-bytes 5000 --json /run/report.json >/run/log 2>&1 || cat /run/log")
        phases = json.loads(guest.run("cat /run/report.json"))["phases"]
        for phase in phases.values():
            assert phase["outcomes"]["succeeded"] == phase["clients"] and phase["unclosed"] == 0
            assert phase["wire"]["answer_bytes"] == 5000 * phase["clients"] and phase["wire"]["broken"] == 0
        attack = phases["attack"]["wire"]
        assert 200 < attack["attack_sent"] <= 400
        assert 0.9 * attack["attack_sent"] < attack["leaked"] <= attack["attack_sent"]
        assert attack["syn_acks"] >= attack["leaked"], "some come again, for nobody acknowledges them"
