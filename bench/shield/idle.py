"""What synward costs while nothing comes, and how long the first SYN after a pause waits for its SYN-ACK.

An endpoint at one end of a veth; beside it Linux's own TCP at the end of another. Both moments are the kernel's, of a packet
socket at the client's end.

usage: ./dev bench idle
"""

import contextlib
import os
import pathlib
import socket
import struct
import time
from collections.abc import Iterator

from scapy.layers.inet import TCP
from scapy.layers.l2 import Ether

import namespaces
import report
import wires
from endpoint import PORT, SERVER4, config
from handmade import HandmadeClient
from lab import Lab
from namespaces import Namespace
from synward import Synward

IDLE_SECONDS, SYNS, PAUSE_SECONDS = 10, 400, 0.2
_SO_TIMESTAMPNS = 35  # of asm-generic/socket.h, as is the kind of message that it adds
_ETH_P_ALL = 3


class Watch:
    """All frames at an interface, those that leave it included, and when."""

    def __init__(self, namespace: Namespace, interface: str):
        with namespace.entered():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.bind((interface, 0))
        self._socket.settimeout(2)

    def next(self, flags: str, port: int) -> float:
        """Seconds of the next segment with these flags, to or from the client's `port`."""
        while True:
            octets, notes, _, _ = self._socket.recvmsg(2048, 64)
            frame = Ether(octets)
            if TCP in frame and frame[TCP].flags == flags and port in (frame[TCP].sport, frame[TCP].dport):
                (text,) = (text for level, kind, text in notes if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS))
                seconds, nanoseconds = struct.unpack("qq", text)
                return seconds + nanoseconds / 1e9


def cpu_seconds(process: int) -> tuple[float, float]:
    """Of all its threads, and of its worker."""
    all_of_them = worker = 0.0
    for thread in pathlib.Path(f"/proc/{process}/task").iterdir():
        user, system = (thread / "stat").read_text().rpartition(")")[2].split()[11:13]
        seconds = (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
        all_of_them += seconds
        worker += seconds if "worker" in (thread / "comm").read_text() else 0
    return all_of_them, worker


def idle_shares(process: int) -> tuple[float, float]:
    """Of a core, in percent."""
    time.sleep(1)  # what a start leaves behind
    before, began = cpu_seconds(process), time.monotonic()
    time.sleep(IDLE_SECONDS)
    after, seconds = cpu_seconds(process), time.monotonic() - began
    return 100 * (after[0] - before[0]) / seconds, 100 * (after[1] - before[1]) / seconds


@contextlib.contextmanager
def beside_the_worker() -> Iterator[None]:
    """This thread stays on the first core: on the last one it would take the worker's time."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {wires.CPUS[0]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def waits(lab: Lab, client: Namespace, service_mac: str) -> list[float]:
    """Microseconds from SYN to SYN-ACK, each after a pause."""
    frames, watch, found = lab.frames(client, "near"), Watch(client, "near"), []
    for number in range(SYNS):
        asking = HandmadeClient(frames, service_mac, SERVER4, PORT, number)
        syn = asking.segment("S", options=[("MSS", 1460)])
        time.sleep(PAUSE_SECONDS)
        asking.send(syn)
        port = asking.ports["sport"]
        asked = watch.next("S", port)
        found.append(1e6 * (watch.next("SA", port) - asked))
        asking.send(asking.segment("R"))  # Linux keeps nothing for it
    return found


def wired(lab: Lab, name: str) -> tuple[Namespace, Namespace, str]:
    """A client, who answers for nobody, the other end of its wire "near" to "far", and the MAC address there."""
    client, far = lab.namespace(f"client-of-{name}"), lab.namespace(name)
    namespaces.wire(client, "near", far, "far")
    client.configure("near", "198.18.0.1/24")
    return client, far, far.run("cat", "/sys/class/net/far/address").strip()


def linux(lab: Lab) -> list[float]:
    client, far, mac = wired(lab, "linux")
    far.configure("far", f"{SERVER4}/24")
    client_mac = client.run("cat", "/sys/class/net/near/address").strip()
    far.run("ip", "neighbour", "add", "198.18.0.77", "lladdr", client_mac, "dev", "far")  # HandmadeClient's address
    with far.entered():
        listener = socket.create_server((SERVER4, PORT))
    with listener, beside_the_worker():
        return waits(lab, client, mac)


def synward(lab: Lab, poll: str) -> tuple[tuple[float, float], list[float]]:
    client, far, mac = wired(lab, poll)
    far.lend("far")
    text = config().replace('lcores = "1"', f'lcores = "1"\npoll = "{poll}"')
    with Synward(far, lab.folder, text, wires.PINNED, name=poll) as process:
        shares = idle_shares(process.process.pid)
        with beside_the_worker():
            found = waits(lab, client, mac)
        process.stop()
    return shares, found


def main() -> None:
    rows = []
    with wires.laboratory() as lab:
        for how in ("Linux", "adaptive", "busy"):
            shares, found = (None, linux(lab)) if how == "Linux" else synward(lab, how)
            costs = [f"{share:.1f} %" for share in shares] if shares else ["", ""]
            times = [f"{value:.0f}" for value in (*wires.median_and_p99(found), max(found))]
            rows.append([how if how == "Linux" else f"synward, {how}", *costs, *times])
    print(f"idle for {IDLE_SECONDS} s, in percent of a core; {SYNS} SYNs, {PAUSE_SECONDS} s after one another, microseconds to the SYN-ACK")
    report.print_table(["", "process", "its worker", "median", "p99", "most"], rows)


if __name__ == "__main__":
    main()
