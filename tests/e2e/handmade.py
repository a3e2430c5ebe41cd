"""TCP whose every segment is the test's own: no kernel helps it, repeats for it or answers for it."""

from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

from frames import FrameSocket

_ISN = 0xFFFFFFF0  # its text wraps around
_CLIENT4, _CLIENT6 = "198.18.0.77", "2001:2::77"  # nobody's, so that no kernel resets what it did not open


class HandmadeClient:
    """Sends as Windows does: DF, TTL 128, 64240 bytes of window. `number` tells clients of one test apart."""

    def __init__(self, frames: FrameSocket, service_mac: str, address: str, port: int, number: int = 0):
        self._frames, self._ether = frames, Ether(src=frames.mac, dst=service_mac)
        if ":" in address:
            self._ip = IPv6(src=_CLIENT6, dst=address, hlim=128)
        else:
            self._ip = IP(src=_CLIENT4, dst=address, ttl=128, flags="DF")
        self.address = self._ip.src
        self.ports = {"sport": 50000 + number, "dport": port}
        self.next, self.service_next = _ISN, 0

    def segment(self, flags: str, text: bytes = b"", **fields: object) -> Packet:
        """The next segment; what it occupies of the sequence space is used up, except a SYN's text."""
        tcp = TCP(**self.ports, flags=flags, seq=self.next, window=64240, **fields)
        if "A" in flags:
            tcp.ack = self.service_next
        self.next += 1 if "S" in flags else len(text) + ("F" in flags)
        self.next &= 0xFFFFFFFF
        return self._ether / self._ip / tcp / text

    def send(self, *frames: Packet) -> None:
        self._frames.send(*frames)

    def answer(self) -> Packet:
        """The next segment from the service, as TCP; it must occupy the sequence space where the last one ended."""
        tcp = self._frames.expect(self._is_mine)[TCP]
        if "S" in tcp.flags:
            self.service_next = tcp.seq
        assert tcp.seq == self.service_next or "R" in tcp.flags
        text = tcp[Raw].load if Raw in tcp else b""
        self.service_next = (tcp.seq + len(text) + ("S" in tcp.flags) + ("F" in tcp.flags)) & 0xFFFFFFFF
        return tcp

    def answer_to(self, frame: Packet) -> Packet:
        self.send(frame)
        return self.answer()

    def expect_silence(self, seconds: float) -> None:
        self._frames.expect_none(self._is_mine, seconds)

    def _is_mine(self, frame: Packet) -> bool:
        return TCP in frame and frame[TCP].dport == self.ports["sport"] and frame.dst == self._ether.src


class HandmadeServer:
    """The server's end of a handmade client's connection, from the SYN that reaches it; it answers as Linux does."""

    def __init__(self, frames: FrameSocket, client: HandmadeClient):
        self._frames, self._ports = frames, client.ports
        syn = self._frames.expect(lambda frame: self._is_mine(frame) and frame[TCP].flags == "S")
        ip = syn.getlayer(IP) or syn[IPv6]
        self._headers = Ether(src=syn.dst, dst=syn.src) / type(ip)(src=ip.dst, dst=ip.src)
        self.next, self.client_next = 0x1000, syn[TCP].seq + 1
        self.syn = syn[TCP]

    def segment(self, flags: str, text: bytes = b"", **fields: object) -> Packet:
        tcp = TCP(sport=self._ports["dport"], dport=self._ports["sport"], flags=flags, seq=self.next, window=64240, **fields)
        tcp.ack = self.client_next & 0xFFFFFFFF
        self.next += len(text) + ("S" in flags) + ("F" in flags)
        return self._headers / tcp / text

    def send(self, *frames: Packet) -> None:
        self._frames.send(*frames)

    def text(self) -> bytes:
        """That of the next segment which has some; it must be what the client sent next."""
        tcp = self._frames.expect(lambda frame: self._is_mine(frame) and Raw in frame)[TCP]
        assert tcp.seq == self.client_next & 0xFFFFFFFF
        text = tcp[Raw].load
        self.client_next += len(text)
        return text

    def _is_mine(self, frame: Packet) -> bool:
        return TCP in frame and all(getattr(frame[TCP], name) == port for name, port in self._ports.items())
