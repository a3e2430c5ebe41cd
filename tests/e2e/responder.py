"""A TCP server that is wrong in exactly the way it is told: the witness of whether synward-load tells the truth.

Frames in, frames out, over a packet socket; nothing of synward's is in it. Run as a program it serves until SIGTERM, and then
prints what it did as one line of JSON; `Responder` starts it in a namespace.
"""

import argparse
import heapq
import itertools
import json
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import time

PORT = 443
ADDRESSES = ("198.18.0.10", "2001:2::10")
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
ARP, IPV4, IPV6 = 0x0806, 0x0800, 0x86DD
TCP, ICMPV6 = 6, 58


def ones_complement_sum(data: bytes) -> int:
    """RFC 1071: as a number modulo 2^16 - 1, of which 2^16 is 1."""
    return int.from_bytes(data + b"\0" * (len(data) % 2), "big") % 0xFFFF


def checksum(data: bytes) -> bytes:
    return struct.pack("!H", 0xFFFF - ones_complement_sum(data))


def pseudo_header(source: bytes, destination: bytes, protocol: int, length: int) -> bytes:
    return source + destination + (struct.pack("!HH", protocol, length) if len(source) == 4 else struct.pack("!II", length, protocol))


def timestamps_of(options: bytes) -> bytes | None:
    """The peer's TSval."""
    at = 0
    while at < len(options) and options[at] != 0:
        if options[at] == 8:
            return options[at + 2 : at + 6]
        at += 1 if options[at] == 1 else max(options[at + 1], 2)
    return None


class Connection:
    def __init__(self, number: int):
        self.number = number  # the first is 1
        self.syns = 0
        self.first_dropped = False
        self.answered = self.closed = False
        self.next = 0  # what is sent next
        self.expected = 0  # what comes next


class Server:
    """Faults are those of the command line; connections of the attack are served like others, and counted apart."""

    def __init__(self, options: argparse.Namespace):
        self.options = options
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE: nothing is lost while it stalls
        self.socket.bind((options.interface, 0))
        self.socket.setblocking(False)
        self.mac = self.socket.getsockname()[4]
        self.ours = [socket.inet_pton(socket.AF_INET6 if ":" in a else socket.AF_INET, a) for a in ADDRESSES]
        self.connections: dict[tuple, Connection] = {}
        self.later: list[tuple[float, int, bytes]] = []  # frames that are to leave at a time
        self.order = itertools.count()
        self.first_syn = 0.0
        self.over = False
        self.flood_sources: set[bytes] = set()
        self.flood_ports: set[int] = set()
        self.flood_isns: set[int] = set()
        self.flood_options: set[int] = set()
        self.counts = dict.fromkeys(
            ("syns", "connections", "dropped", "first_dropped", "syn_acks", "wrong_acks", "resets", "muted", "wrong_answers", "answers", "closed",
             "bad_checksums", "others", "flood_segments", "flood_syns", "flood_syn_acks"), 0)  # fmt: skip

    def every(self, n: int, number: int) -> bool:
        return n > 0 and number % n == 0

    def run(self) -> None:
        print("ready", flush=True)
        stalled = False
        while not self.over:
            now = time.monotonic()
            if self.options.stall and not stalled and self.first_syn and now > self.first_syn + self.options.stall[0]:
                stalled = True
                time.sleep(self.options.stall[1])
            while self.later and self.later[0][0] <= time.monotonic():
                self.socket.send(heapq.heappop(self.later)[2])
            for _ in range(64):
                try:
                    frame, link = self.socket.recvfrom(4096)
                except BlockingIOError:
                    time.sleep(0.0001 if self.later else 0.0002)
                    break
                if link[2] != 4:  # not PACKET_OUTGOING: our own
                    self.take(frame)

    def take(self, frame: bytes) -> None:
        kind = struct.unpack_from("!H", frame, 12)[0]
        if kind == ARP:
            return self.answer_arp(frame)
        if kind == IPV4:
            header = (frame[14] & 15) * 4
            length = struct.unpack_from("!H", frame, 16)[0]
            source, destination, protocol = frame[26:30], frame[30:34], frame[23]
            if ones_complement_sum(frame[14 : 14 + header]) != 0:
                self.counts["bad_checksums"] += 1
            segment = frame[14 + header : 14 + length]
        elif kind == IPV6:
            length = struct.unpack_from("!H", frame, 18)[0]
            source, destination, protocol = frame[22:38], frame[38:54], frame[20]
            segment = frame[54 : 54 + length]
            if protocol == ICMPV6:
                return self.answer_solicitation(frame, source, segment)
        else:
            return None
        if protocol != TCP or destination not in self.ours:
            return None
        if ones_complement_sum(pseudo_header(source, destination, TCP, len(segment)) + segment) != 0:
            self.counts["bad_checksums"] += 1
        return self.take_segment(frame, source, destination, segment)

    def is_flood(self, source: bytes) -> bool:
        """Of 198.19.0.0/16 or 2001:2:0:8000::/49, synward-load's defaults."""
        return source[:2] == b"\xc6\x13" if len(source) == 4 else source[:6] == b"\x20\x01\0\2\0\0" and source[6] >= 0x80

    def take_segment(self, frame: bytes, source: bytes, destination: bytes, segment: bytes) -> None:
        port, to, seq, ack = struct.unpack_from("!HHII", segment)
        flags, header = segment[13], (segment[12] >> 4) * 4
        options, text = segment[20:header], segment[header:]
        if to != PORT:
            self.counts["others"] += 1
            return
        back = (frame[6:12], destination, source, port)  # on which it is answered
        if self.is_flood(source):
            self.counts["flood_segments"] += 1
            if flags == SYN:
                self.counts["flood_syns"] += 1
                self.flood_sources.add(source)
                self.flood_ports.add(port)
                self.flood_isns.add(seq)
                self.flood_options.add(len(options))
                self.send(back, 0x1000_0000, seq + 1 + self.options.wrong_ack, SYN | ACK, options=b"\2\4\5\xb4")
                self.counts["flood_syn_acks"] += 1
            return
        key = (source, port, destination)
        if flags & SYN:
            return self.take_syn(key, back, seq, options)
        connection = self.connections.get(key)
        if connection is None:
            self.counts["others"] += 1
            return
        if flags & RST:
            connection.closed = True
            return
        self.take_text(connection, back, seq, flags, options, text)

    def take_syn(self, key: tuple, back: tuple, seq: int, options: bytes) -> None:
        self.counts["syns"] += 1
        self.first_syn = self.first_syn or time.monotonic()
        connection = self.connections.get(key)
        if connection is None:
            connection = self.connections[key] = Connection(len(self.connections) + 1)
            self.counts["connections"] += 1
        connection.syns += 1
        if self.every(self.options.drop_every, self.counts["syns"]):
            self.counts["dropped"] += 1
            if connection.syns == 1:
                self.counts["first_dropped"] += 1
            return
        if self.every(self.options.reset_every, connection.number):
            self.counts["resets"] += 1
            return self.send(back, 0, seq + 1, RST | ACK)
        isn = 0x2000_0000 + 1000 * connection.number
        connection.next, connection.expected = isn + 1, (seq + 1) & 0xFFFF_FFFF
        acknowledges = connection.expected
        if self.options.wrong_ack:
            acknowledges += 1
            self.counts["wrong_acks"] += 1
        answer = b"\2\4\5\xb4\4\2"
        echo = timestamps_of(options)
        answer += b"" if echo is None else b"\x08\x0a" + self.clock() + echo
        answer += b"\1\3\3\7"
        answer += b"\0" * (-len(answer) % 4)
        self.counts["syn_acks"] += 1
        self.send(back, isn, acknowledges, SYN | ACK, options=answer, delay=self.options.delay_ms / 1000)
        return None

    def take_text(self, connection: Connection, back: tuple, seq: int, flags: int, options: bytes, text: bytes) -> None:
        if seq != connection.expected:
            if text or flags & FIN:
                self.send(back, connection.next, connection.expected, ACK, echo=options)
            return
        connection.expected = (connection.expected + len(text)) & 0xFFFF_FFFF
        if text and not connection.answered:
            connection.answered = True
            answer = self.options.answer.encode()
            if self.every(self.options.mute_every, connection.number):
                self.counts["muted"] += 1
                answer = b""
            elif self.every(self.options.wrong_answer_every, connection.number):
                self.counts["wrong_answers"] += 1
                answer = b"wrong"
            else:
                self.counts["answers"] += 1
            self.send(back, connection.next, connection.expected, ACK | (PSH if answer else 0), echo=options, text=answer)
            connection.next += len(answer)
        elif text:
            self.send(back, connection.next, connection.expected, ACK, echo=options)
        if flags & FIN:
            connection.expected = (connection.expected + 1) & 0xFFFF_FFFF
            self.send(back, connection.next, connection.expected, FIN | ACK, echo=options)
            connection.next += 1
            self.counts["closed"] += not connection.closed
            connection.closed = True

    def clock(self) -> bytes:
        return struct.pack("!I", int(time.monotonic() * 1000) & 0xFFFF_FFFF)

    def send(self, back: tuple, seq: int, ack: int, flags: int, options: bytes = b"", echo: bytes = b"", text: bytes = b"", delay: float = 0) -> None:
        mac, ours, theirs, port = back
        tsval = timestamps_of(echo)
        if tsval is not None:
            options = b"\1\1\x08\x0a" + self.clock() + tsval
        header = struct.pack("!HHIIBBHHH", PORT, port, seq & 0xFFFF_FFFF, ack & 0xFFFF_FFFF, (20 + len(options)) // 4 << 4, flags, 60000, 0, 0)
        segment = header + options + text
        segment = segment[:16] + checksum(pseudo_header(ours, theirs, TCP, len(segment)) + segment) + segment[18:]
        if len(ours) == 4:
            packet = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), 0, 0x4000, 64, TCP, 0, ours, theirs)
            packet = packet[:10] + checksum(packet) + packet[12:]
            kind = IPV4
        else:
            packet = struct.pack("!IHBB16s16s", 6 << 28, len(segment), TCP, 64, ours, theirs)
            kind = IPV6
        frame = mac + self.mac + struct.pack("!H", kind) + packet + segment
        if delay:
            heapq.heappush(self.later, (time.monotonic() + delay, next(self.order), frame))
        else:
            self.socket.send(frame)

    def answer_arp(self, frame: bytes) -> None:
        operation, asker, asker_ip, asked = struct.unpack_from("!H6s4s6x4s", frame, 20)
        if operation == 1 and asked in self.ours:
            reply = struct.pack("!HHBBH6s4s6s4s", 1, IPV4, 6, 4, 2, self.mac, asked, asker, asker_ip)
            self.socket.send(asker + self.mac + struct.pack("!H", ARP) + reply)

    def answer_solicitation(self, frame: bytes, source: bytes, message: bytes) -> None:
        if message[0] != 135 or message[8:24] not in self.ours:
            return
        asked = message[8:24]
        reply = struct.pack("!BBHI16sBB6s", 136, 0, 0, 0x6000_0000, asked, 2, 1, self.mac)
        reply = reply[:2] + checksum(pseudo_header(asked, source, ICMPV6, len(reply)) + reply) + reply[4:]
        packet = struct.pack("!IHBB16s16s", 6 << 28, len(reply), ICMPV6, 255, asked, source)
        self.socket.send(frame[6:12] + self.mac + struct.pack("!H", IPV6) + packet + reply)

    def report(self) -> dict:
        return self.counts | {
            "flood_sources": len(self.flood_sources),
            "flood_ports": len(self.flood_ports),
            "flood_isns": len(self.flood_isns),
            "flood_option_lengths": len(self.flood_options),
        }


class Responder:
    """Serves at `interface` of `namespace`, which the kernel keeps out of (Namespace.lend)."""

    def __init__(self, namespace, interface: str, *faults: str):
        words = ["/usr/bin/python3", str(pathlib.Path(__file__).resolve()), "--interface", interface, *faults]
        self.process = namespace.start(*words, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def stop(self) -> dict:
        """What it did."""
        self.process.send_signal(signal.SIGTERM)
        said, _ = self.process.communicate(timeout=10)
        return json.loads(said)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interface", required=True)
    parser.add_argument("--answer", default="answer", help="once to what a client says first")
    parser.add_argument("--drop-every", type=int, default=0, help="of the SYNs that come, repeated ones too")
    parser.add_argument("--delay-ms", type=float, default=0, help="between SYN and SYN-ACK")
    parser.add_argument("--wrong-ack", action="store_true", help="SYN-ACKs acknowledge one too much")
    parser.add_argument("--reset-every", type=int, default=0, help="of the connections")
    parser.add_argument("--mute-every", type=int, default=0, help="of the connections: acknowledges, answers nothing")
    parser.add_argument("--wrong-answer-every", type=int, default=0, help="of the connections")
    parser.add_argument("--stall", type=float, nargs=2, metavar=("AT", "FOR"), help="seconds since the first SYN, and how long")
    server = Server(parser.parse_args())

    def end(*_: object) -> None:
        server.over = True

    signal.signal(signal.SIGTERM, end)
    server.run()
    print(json.dumps(server.report()), flush=True)


if __name__ == "__main__":
    sys.exit(main())
