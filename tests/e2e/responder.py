"""A TCP server that is wrong in exactly the way it is told: the witness of whether synward-load tells the truth.

Frames in, frames out, over a packet socket; nothing of synward's is in it. Run as a program it serves until SIGTERM, and then
prints what it did as one line of JSON; `Responder` starts it in a namespace.
"""

import argparse
import collections
import heapq
import ipaddress
import itertools
import json
import pathlib
import select
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
MSS, SCALE, SACK, TIMESTAMPS = 2, 3, 4, 8
# Of <linux/if_packet.h> and <asm-generic/socket.h>, which Python's socket has not.
SOL_PACKET, PACKET_STATISTICS, SO_RCVBUFFORCE, SO_TIMESTAMPNS = 263, 6, 33, 35
MOST_IDLE_SECONDS = 0.05  # until it sees that it is to end


def ones_complement_sum(data: bytes) -> int:
    """RFC 1071: as a number modulo 2^16 - 1, of which 2^16 is 1."""
    return int.from_bytes(data + b"\0" * (len(data) % 2), "big") % 0xFFFF


def checksum(data: bytes) -> bytes:
    return struct.pack("!H", 0xFFFF - ones_complement_sum(data))


def pseudo_header(source: bytes, destination: bytes, protocol: int, length: int) -> bytes:
    return source + destination + (struct.pack("!HH", protocol, length) if len(source) == 4 else struct.pack("!II", length, protocol))


def options_of(octets: bytes) -> dict[int, bytes]:
    """What a segment's options hold, by kind."""
    options, at = {}, 0
    while at < len(octets) and octets[at] != 0:
        if octets[at] == 1:
            at += 1
            continue
        length = max(octets[at + 1], 2)
        options[octets[at]] = octets[at + 2 : at + length]
        at += length
    return options


class Prefixes:
    def __init__(self, texts: list[str]):
        self.of_bytes: dict[int, list[tuple[int, int]]] = {4: [], 16: []}  # first bits, and how many others follow them
        for text in texts:
            network = ipaddress.ip_network(text)
            shift = network.max_prefixlen - network.prefixlen
            self.of_bytes[len(network.network_address.packed)].append((int(network.network_address) >> shift, shift))

    def __contains__(self, address: bytes) -> bool:
        return any(int.from_bytes(address, "big") >> shift == bits for bits, shift in self.of_bytes[len(address)])


class Connection:
    def __init__(self, number: int):
        self.number = number  # the first is 1
        self.syns = 0
        self.isn = 0x2000_0000 + 1000 * number
        self.well_answered = False  # a SYN-ACK without a fault went to it
        self.wrong_ack: int | None = None  # of the last SYN-ACK that acknowledged what was never sent
        self.asked = self.reset = self.closing = self.closed = False
        self.next = 0  # what is sent next
        self.expected = 0  # what comes next


class Server:
    """Faults are those of the command line. SYNs of the attack are answered like others, and counted apart."""

    def __init__(self, options: argparse.Namespace):
        self.options = options
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)  # nothing is lost while it stalls
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.bind((options.interface, 0))
        self.socket.setblocking(False)
        self.mac = self.socket.getsockname()[4]
        self.ours = [socket.inet_pton(socket.AF_INET6 if ":" in a else socket.AF_INET, a) for a in ADDRESSES]
        self.flood, self.clients = Prefixes(options.flood_prefix), Prefixes(options.client_prefix)
        self.connections: dict[tuple, Connection] = {}
        self.later: list[tuple[float, int, bytes]] = []  # frames that are to leave at a time
        self.order = itertools.count()
        self.came = 0.0  # when the frame that is looked at did
        self.first_syn = 0.0
        self.stood_still: tuple[float, ...] = ()  # from when until when, since the first SYN
        self.latest = 0.0  # how much too late a frame left that was to leave at a time
        self.over = False
        self.requests: collections.Counter[str] = collections.Counter()
        self.flood_sources: set[bytes] = set()
        self.flood_ports: set[int] = set()
        self.flood_isns: set[int] = set()
        self.flood_options: set[int] = set()
        self.counts = dict.fromkeys(
            ("frames_in", "frames_out", "asked", "misdirected", "strangers", "bad_checksums", "others",
             "syns", "connections", "dropped", "first_dropped", "syn_acks", "corrupted", "wrong_acks", "resets_for_wrong_acks",
             "resets", "muted", "wrong_answers", "hung_up", "answers", "closed", "aborted",
             "flood_segments", "flood_syns", "flood_syn_acks", "flood_wrong_acks"), 0)  # fmt: skip

    def every(self, n: int, number: int) -> bool:
        return n > 0 and number % n == 0

    def run(self) -> None:
        print("ready", flush=True)
        while True:
            over = self.over
            self.send_due()
            idle = not self.receive()
            now, next_time = time.monotonic(), [due for due, _, _ in self.later[:1]]
            if self.options.stall and self.first_syn and not self.stood_still:
                begin, end = self.first_syn + self.options.stall[0], self.first_syn + sum(self.options.stall)
                if now >= begin:
                    time.sleep(max(end - now, 0))
                    self.stood_still = (now - self.first_syn, time.monotonic() - self.first_syn)
                    continue
                next_time.append(begin)
            if idle and over:
                return  # what came before is counted
            if idle:
                left = min([MOST_IDLE_SECONDS] + [at - now for at in next_time])
                select.select([self.socket], [], [], max(left, 0))

    def receive(self) -> bool:
        """Up to 64 frames; whether one came."""
        for n in range(64):
            try:
                frame, notes, _, link = self.socket.recvmsg(4096, 64)
            except BlockingIOError:
                return n != 0
            if link[2] == socket.PACKET_OUTGOING:  # our own
                continue
            seconds, nanoseconds = struct.unpack("qq", notes[0][2])
            waited = time.time() - (seconds + nanoseconds / 1e9)  # for this program
            self.came = time.monotonic() - max(waited, 0)
            self.counts["frames_in"] += 1
            self.take(frame)
            if self.later:
                self.send_due()
        return True

    def send_due(self) -> None:
        while self.later and self.later[0][0] <= (now := time.monotonic()):
            due, _, frame = heapq.heappop(self.later)
            self.latest = max(self.latest, now - due)
            self.transmit(frame)

    def transmit(self, frame: bytes) -> None:
        self.socket.send(frame)
        self.counts["frames_out"] += 1

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
            self.counts["others"] += 1
            return None
        if protocol != TCP or destination not in self.ours:
            self.counts["others"] += 1
            return None
        self.counts["misdirected"] += frame[:6] != self.mac
        if ones_complement_sum(pseudo_header(source, destination, TCP, len(segment)) + segment) != 0:
            self.counts["bad_checksums"] += 1
        return self.take_segment(frame, source, destination, segment)

    def take_segment(self, frame: bytes, source: bytes, destination: bytes, segment: bytes) -> None:
        port, to, seq, ack = struct.unpack_from("!HHII", segment)
        flags, header = segment[13], (segment[12] >> 4) * 4
        options, text = segment[20:header], segment[header:]
        if to != PORT:
            self.counts["others"] += 1
            return
        back = (frame[6:12], destination, source, port)  # on which it is answered
        if source in self.flood:
            return self.take_flood(back, source, port, seq, flags, options)
        self.counts["strangers"] += source not in self.clients
        key = (source, port, destination)
        if flags & SYN:
            return self.take_syn(key, back, seq, options)
        connection = self.connections.get(key)
        if connection is None:
            self.counts["others"] += 1
        elif flags & RST:
            self.take_reset(connection, seq, flags)
        else:
            self.take_text(connection, back, seq, ack, flags, options, text)

    def take_flood(self, back: tuple, source: bytes, port: int, seq: int, flags: int, options: bytes) -> None:
        self.counts["flood_segments"] += 1
        if flags != SYN:
            return
        self.counts["flood_syns"] += 1
        self.flood_sources.add(source)
        self.flood_ports.add(port)
        self.flood_isns.add(seq)
        self.flood_options.add(len(options))
        wrong = self.every(self.options.wrong_ack_every, self.counts["flood_syns"])
        self.counts["flood_wrong_acks" if wrong else "flood_syn_acks"] += 1
        self.send(back, 0x1000_0000, seq + 1 + wrong, SYN | ACK, options=b"\2\4\5\xb4")

    def take_syn(self, key: tuple, back: tuple, seq: int, offered: bytes) -> None:
        self.counts["syns"] += 1
        self.first_syn = self.first_syn or self.came
        connection = self.connections.get(key)
        if connection is None:
            connection = self.connections[key] = Connection(len(self.connections) + 1)
            self.counts["connections"] += 1
        connection.syns += 1
        if self.every(self.options.drop_every, self.counts["syns"]):
            self.counts["dropped"] += 1
            self.counts["first_dropped"] += connection.syns == 1
            return
        if self.every(self.options.reset_every, connection.number):
            self.counts["resets"] += 1
            return self.send(back, 0, seq + 1, RST | ACK)
        connection.next, connection.expected = connection.isn + 1, (seq + 1) & 0xFFFF_FFFF
        self.counts["syn_acks"] += 1
        corrupt = self.every(self.options.corrupt_every, self.counts["syn_acks"])
        wrong = self.every(self.options.wrong_ack_every, self.counts["syn_acks"])
        self.counts["corrupted"] += corrupt
        self.counts["wrong_acks"] += wrong
        connection.well_answered |= not corrupt and not wrong
        acknowledges = connection.expected + wrong
        connection.wrong_ack = acknowledges & 0xFFFF_FFFF if wrong else None
        delay = self.options.delay_ms / 1000
        self.send(back, connection.isn, acknowledges, SYN | ACK, options=self.answer_to(offered), corrupt=corrupt, delay=delay)
        return None

    def answer_to(self, offered: bytes) -> bytes:
        """An MSS, and what else the client offered."""
        options = options_of(offered)
        answer = b"\2\4\5\xb4"
        if SACK in options:
            answer += b"\4\2"
        if TIMESTAMPS in options:
            answer += b"\x08\x0a" + self.clock() + options[TIMESTAMPS][:4]
        if SCALE in options:
            answer += b"\3\3\7"
        return answer + b"\0" * (-len(answer) % 4)

    def take_reset(self, connection: Connection, seq: int, flags: int) -> None:
        if connection.wrong_ack is not None:
            # RFC 9293 3.10.7.3: <SEQ=SEG.ACK><CTL=RST>. The connection has not begun, and goes on.
            self.counts["resets_for_wrong_acks"] += seq == connection.wrong_ack and flags == RST
            return
        self.counts["aborted"] += not connection.reset
        connection.reset = True

    def take_text(self, connection: Connection, back: tuple, seq: int, ack: int, flags: int, options: bytes, text: bytes) -> None:
        if connection.closing and not connection.closed and ack == connection.next:
            connection.closed = True
            self.counts["closed"] += 1
        if seq != connection.expected:
            if text or flags & FIN:
                self.send(back, connection.next, connection.expected, ACK, echo=options)
            return
        connection.expected = (connection.expected + len(text)) & 0xFFFF_FFFF
        if text and not connection.asked:
            connection.asked = True
            self.requests[text.decode("latin-1")] += 1
            if self.every(self.options.hang_up_every, connection.number):
                self.counts["hung_up"] += 1
                connection.reset = True
                return self.send(back, connection.next, connection.expected, RST | ACK)
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
            connection.closing = True
        return None

    def clock(self) -> bytes:
        return struct.pack("!I", int(time.monotonic() * 1000) & 0xFFFF_FFFF)

    def send(
        self, back: tuple, seq: int, ack: int, flags: int, options: bytes = b"", echo: bytes = b"", text: bytes = b"",
        corrupt: bool = False, delay: float = 0,
    ) -> None:  # fmt: skip
        """`echo`: the options of the segment that is answered. `delay` counts from when that came."""
        mac, ours, theirs, port = back
        if echo and (stamps := options_of(echo).get(TIMESTAMPS)):
            options = b"\1\1\x08\x0a" + self.clock() + stamps[:4]
        words = (20 + len(options)) // 4
        header = struct.pack("!HHIIBBHHH", PORT, port, seq & 0xFFFF_FFFF, ack & 0xFFFF_FFFF, words << 4, flags, 60000, 0, 0)
        segment = header + options + text
        segment = segment[:16] + checksum(pseudo_header(ours, theirs, TCP, len(segment)) + segment) + segment[18:]
        if corrupt:
            segment = segment[:16] + bytes((segment[16] ^ 0x55,)) + segment[17:]
        if len(ours) == 4:
            packet = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), 0, 0x4000, 64, TCP, 0, ours, theirs)
            packet = packet[:10] + checksum(packet) + packet[12:]
            kind = IPV4
        else:
            packet = struct.pack("!IHBB16s16s", 6 << 28, len(segment), TCP, 64, ours, theirs)
            kind = IPV6
        frame = mac + self.mac + struct.pack("!H", kind) + packet + segment
        if delay:
            heapq.heappush(self.later, (self.came + delay, next(self.order), frame))
        else:
            self.transmit(frame)

    def answer_arp(self, frame: bytes) -> None:
        operation, asker, asker_ip, asked = struct.unpack_from("!H6s4s6x4s", frame, 20)
        if operation == 1 and asked in self.ours:
            self.counts["asked"] += 1
            reply = struct.pack("!HHBBH6s4s6s4s", 1, IPV4, 6, 4, 2, self.mac, asked, asker, asker_ip)
            self.transmit(asker + self.mac + struct.pack("!H", ARP) + reply)

    def answer_solicitation(self, frame: bytes, source: bytes, message: bytes) -> None:
        if ones_complement_sum(pseudo_header(source, frame[38:54], ICMPV6, len(message)) + message) != 0:
            self.counts["bad_checksums"] += 1
        if message[0] != 135 or message[8:24] not in self.ours:
            return
        self.counts["asked"] += 1
        asked = message[8:24]
        reply = struct.pack("!BBHI16sBB6s", 136, 0, 0, 0x6000_0000, asked, 2, 1, self.mac)
        reply = reply[:2] + checksum(pseudo_header(asked, source, ICMPV6, len(reply)) + reply) + reply[4:]
        packet = struct.pack("!IHBB16s16s", 6 << 28, len(reply), ICMPV6, 255, asked, source)
        self.transmit(frame[6:12] + self.mac + struct.pack("!H", IPV6) + packet + reply)

    def report(self) -> dict:
        _, lost = struct.unpack("II", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        served = self.connections.values()
        return self.counts | {
            "lost": lost,  # frames that it never saw: then its counts prove nothing
            "repeated": sum(connection.syns > 1 for connection in served),
            "never_well_answered": sum(not connection.well_answered for connection in served),
            "stood_still": self.stood_still,
            "requests": dict(self.requests),
            "latest_ms": 1000 * self.latest,
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
    parser.add_argument("--wrong-ack-every", type=int, default=0, help="of the SYN-ACKs acknowledges one too much; the flood's count apart")
    parser.add_argument("--corrupt-every", type=int, default=0, help="of the SYN-ACKs has a wrong checksum")
    parser.add_argument("--reset-every", type=int, default=0, help="of the connections: their SYNs are reset")
    parser.add_argument("--hang-up-every", type=int, default=0, help="of the connections: their requests are reset")
    parser.add_argument("--mute-every", type=int, default=0, help="of the connections: acknowledges, answers nothing")
    parser.add_argument("--wrong-answer-every", type=int, default=0, help="of the connections")
    parser.add_argument("--stall", type=float, nargs=2, metavar=("AT", "FOR"), help="seconds since the first SYN, and how long")
    parser.add_argument("--flood-prefix", nargs="+", default=["198.19.0.0/16", "2001:2:0:8000::/49"], help="where the attack comes from")
    parser.add_argument("--client-prefix", nargs="+", default=["198.18.64.0/24", "2001:2:0:4000::/64"], help="others are strangers")
    server = Server(parser.parse_args())

    def end(*_: object) -> None:
        server.over = True

    signal.signal(signal.SIGTERM, end)
    server.run()
    print(json.dumps(server.report()), flush=True)


if __name__ == "__main__":
    sys.exit(main())
