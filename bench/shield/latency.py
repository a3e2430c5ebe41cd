"""What synward adds to a segment of an open connection, and to the first one: a ping-pong of single octets over TCP.

Beside a plain two-port forwarder on the same devices and core, dpdk-testpmd, and the kernel's bridge.

usage: ./dev bench latency
"""

import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Iterator

from scapy.layers.inet import TCP
from scapy.utils import PcapReader

import namespaces
import report
import wires
from endpoint import PORT, SERVER4
from lab import Lab
from shield import DEVICE, config
from wires import CPUS, Place

ROUND_TRIPS, CONNECTIONS, ROUNDS = 5_000, 300, 3
TESTPMD = "--forward-mode=io --auto-start --nb-cores=1 --no-lsc-interrupt --total-num-mbufs=16384 --stats-period=3600"


@contextlib.contextmanager
def testpmd(place: Place) -> Iterator[None]:
    devices = [f"--vdev={DEVICE.format(n, end)}" for n, end in enumerate(("outside", "inside"))]
    words = ["dpdk-testpmd", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry", "-m", "256", *devices]
    words += ["--lcores", f"0@{CPUS[0]},1@{CPUS[-1]}", "--", *TESTPMD.split()]
    process = place.middle.start(*words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        namespaces.wait_until(lambda: "1 received" in place.client.run("ping", "-c1", "-W1", SERVER4, check=False), "testpmd to forward", 20)
        yield
    finally:
        process.kill()
        process.wait(10)


@contextlib.contextmanager
def echoing(place: Place, port: int) -> Iterator[None]:
    """A server that says again what it hears."""
    with place.server.entered():
        listener = socket.create_server((SERVER4, port), backlog=128)

    def echo(connection: socket.socket) -> None:
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while text := connection.recv(1):
                connection.send(text)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                echo(listener.accept()[0])

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        accepting.join()
        listener.close()


def connected(place: Place, port: int) -> socket.socket:
    with place.client.entered():
        client = socket.create_connection((SERVER4, port), timeout=10)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def ping(client: socket.socket) -> float:
    """Microseconds there and back."""
    start = time.perf_counter_ns()
    client.send(b"!")
    client.recv(1)
    return (time.perf_counter_ns() - start) / 1000


def measure(place: Place, port: int) -> tuple[list[float], list[float]]:
    """Of an open connection, and the first on each of many."""
    with echoing(place, port):
        with connected(place, port) as client:
            for _ in range(500):
                ping(client)
            later = [ping(client) for _ in range(ROUND_TRIPS)]
        first = []
        for _ in range(CONNECTIONS):
            with connected(place, port) as client:
                first.append(ping(client))
        return later, first


def promotions(lab: Lab, place: Place) -> list[list[float]]:
    """Microseconds from the ACK with the cookie to the SYN to the server, of the server's own, and on to synward's ACK."""
    # At the far ends of the cables: what net_af_packet sends passes tcpdump by.
    captures = [lab.capture(place.client, "near"), lab.capture(place.server, "back")]
    with echoing(place, PORT):
        for _ in range(CONNECTIONS):
            with connected(place, PORT) as client:
                ping(client)
    times: list[dict[tuple[int, str], float]] = [{}, {}]
    for capture, first in zip(captures, times):
        capture.stop()
        with PcapReader(str(capture.path)) as frames:
            for frame in frames:
                if TCP in frame:
                    tcp = frame[TCP]
                    client = tcp.sport if tcp.dport == PORT else tcp.dport
                    first.setdefault((client, str(tcp.flags)), float(frame.time))
    outside, inside = times
    opened = [client for client, flags in inside if flags == "SA"]
    moments = [[outside[client, "A"]] + [inside[client, flags] for flags in ("S", "SA", "A")] for client in opened]
    return [[1e6 * (then - before) for before, then in zip(moment, moment[1:])] for moment in moments]


def main() -> None:
    seen: dict[str, tuple[list[float], list[float]]] = {}

    def note(how: str, figures: tuple[list[float], list[float]]) -> None:
        for kept, new in zip(seen.setdefault(how, ([], [])), figures):
            kept.extend(new)

    opened: dict[str, list[list[float]]] = {}
    busy = config().replace('lcores = "1"', 'lcores = "1"\npoll = "busy"')
    with wires.laboratory() as lab:
        place = Place(lab)
        for _ in range(ROUNDS):
            with place.bridge():
                note("the kernel's bridge", measure(place, PORT))
            with testpmd(place):
                note("testpmd, which is busy", measure(place, PORT))
            for text, how in ((busy, "busy"), (config(), "adaptive")):
                with place.synward(text, teach=()):
                    note(f"synward, {how}: a port that is no service's", measure(place, PORT + 1))
                    measure(place, PORT)  # the first connection passes
                    note(f"synward, {how}: a service", measure(place, PORT))
                    opened.setdefault(how, []).extend(promotions(lab, place))
    rows = []
    for how, figures in seen.items():
        rows.append([how] + [f"{value:.0f}" for values in figures for value in wires.median_and_p99(values)])
    print(f"microseconds there and back; {ROUNDS * ROUND_TRIPS:,} times on an open connection, {ROUNDS * CONNECTIONS} first ones")
    report.print_table(["", "median", "p99", "first octet, median", "p99"], rows)
    rows = []
    for how, moments in opened.items():
        parts = [*zip(*moments), [sum(moment) for moment in moments]]
        rows.append([f"synward, {how}"] + [f"{value:.0f}" for part in parts for value in wires.median_and_p99(list(part))])
    print("\nmicroseconds in the opening of a connection, as tcpdump sees it at the client and at the server")
    head = ["", "cookie to SYN, median", "p99", "SYN to SYN-ACK, median", "p99", "SYN-ACK to ACK, median", "p99", "cookie to ACK, median", "p99"]
    report.print_table(head, rows)


if __name__ == "__main__":
    main()
