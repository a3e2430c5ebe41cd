"""synward behind a wire without a kernel: net_vhost, which synward-load drives through virtio_user, two processes on two cores.

usage: ./dev bench wire [--rounds N] [--seconds N] [--only syns|handshakes|goodput ...]

syns        the SYNs that are answered, by how many come: synward, a straightforward scalar responder
            (bench/micro/baseline.cpp), and dpdk-testpmd's macswap, which only turns frames round
handshakes  the most connections a second that are opened and closed, with synward as their server, and with the scalar responder, which
            keeps none: it checks the cookie of each ACK and answers each FIN
goodput     clients behind a second wire's server, with synward between them, by how many SYNs come meanwhile

Medians of the rounds; all take turns.
"""

import argparse
import collections
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from statistics import median

import report

RING = "queues=1,queue_size=1024,packed_vq=1,in_order=1,mrg_rxbuf=0"
MAC = "02:00:00:00:00:0a"
TARGETS = {"IPv4": "198.18.0.10:443", "IPv6": "[2001:2::10]:443"}
# More networks than one: synward answers no more than 20,000 SYNs a second to each (dataplane/prefix_budget.hpp).
CLIENTS = ("--client-prefix", "198.18.64.0/18", "2001:2:0:4000::/50", "--arrivals", "constant")
SYN_RATES = (2e6, 4e6, 5e6, 6e6, 8e6, 12e6)
HANDSHAKE_RATES = tuple(range(50_000, 500_001, 50_000))  # connections a second
GOOD = 99.9  # percent of the clients
GOODPUT_SYN_RATES = (0, 2e6, 4e6, 6e6, 8e6, 12e6)
GOODPUT_CLIENTS, ANSWER_BYTES = 10_000, 10_000  # 0.8 Gbit/s
GOODPUT_TIMES = 8  # as long as the others: some clients come in at their second or third SYN
STATION = collections.defaultdict(lambda: ("--mac", MAC), synward=())  # only synward answers its neighbours
SETTLE_S = 0.5  # contestants look at their rings for the first time
CPUS = sorted(os.sched_getaffinity(0))
START_S = 20
# Its worker has the last processor, as the others'; the generator has the first.
LCORES = ("--lcores", f"0@{CPUS[0]},1@{CPUS[-1]}")
MEMORY = ("--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "--single-file-segments")

CONFIG = """
[workers]
lcores = "1"
poll = "busy"
{ports}
[[service]]
name = "four"
address = "198.18.0.10"
port = 443
[[service]]
name = "six"
address = "2001:2::10"
port = 443
[control]
socket = "{folder}/control.sock"
"""


class Failure(Exception):
    """Something that does not run; the message says what."""


@contextlib.contextmanager
def running(words: list[str], sockets: list[pathlib.Path], log: pathlib.Path) -> Iterator[None]:
    """Until its ends of the wires are there, and then until it is ended."""
    for socket in sockets:
        socket.unlink(missing_ok=True)
    with open(log, "w") as out:
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=out, stderr=out)
        try:
            deadline = time.monotonic() + START_S
            while not all(socket.exists() for socket in sockets):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise Failure(f"{words[0]} does not start: {log.read_text()}")
                time.sleep(0.05)
            time.sleep(SETTLE_S)
            yield
        finally:
            process.kill()  # testpmd, asked to end, takes five seconds; there is nothing to be tidied up
            process.wait(5)


class Bench:
    """Where the programs are, how each contestant is started, and what was found until now."""

    def __init__(self, tree: pathlib.Path, folder: pathlib.Path, seconds: float):
        self.tree, self.folder, self.seconds = tree, folder, seconds
        self.wires = [folder / "outside.sock", folder / "inside.sock"]
        self.found: dict[tuple, list[float]] = collections.defaultdict(list)

    def synward(self, wires: int) -> list[str]:
        """With one wire it accepts connections itself, with two it stands between them."""
        ports = "".join(
            f'[[port]]\nname = "{wire.stem}"\ndevice = "net_vhost{number},iface={wire},queues=1"\n'
            for number, wire in enumerate(self.wires[:wires])
        )
        config = self.folder / "synward.toml"
        config.write_text(CONFIG.format(ports=ports, folder=self.folder))
        eal = ("--no-huge", "--no-pci", "--single-file-segments", *LCORES, "--main-lcore", "0")
        return [str(self.tree / "synward"), "run", "-c", str(config), "--", *eal]

    def contestants(self) -> dict[str, list[str]]:
        vhost = f"net_vhost0,iface={self.wires[0]},queues=1"
        testpmd = ("--forward-mode=macswap", "--auto-start", "--port-topology=loop", "--no-lsc-interrupt", "--burst=64", "--total-num-mbufs=16384")
        return {
            "synward": self.synward(1),
            "scalar responder": [str(self.tree / "bench/wire/wire_responder"), *MEMORY, "-m", "256", *LCORES, "--", vhost],
            "testpmd macswap": ["dpdk-testpmd", *MEMORY, "-m", "256", f"--vdev={vhost}", *LCORES, "--", *testpmd],
        }

    def load(self, words: list[str], wires: int, *options: str) -> dict:
        """The phases that synward-load reports."""
        with running(words, self.wires[:wires], self.folder / "contestant.log"):
            devices = [f"net_virtio_user{number},path={wire},{RING}" for number, wire in enumerate(self.wires[:wires])]
            ports = [word for pair in zip(("--device", "--backend"), devices) for word in pair]
            command = [str(self.tree / "synward-load"), *ports, "--json", "-", "--recovery", "0", "--max-packets", "100000000000", *options]
            eal = ["--", *MEMORY, "-m", "512", "--lcores", f"0@{CPUS[-1]},1@{CPUS[0]}"]
            done = subprocess.run(command + eal, capture_output=True, text=True, timeout=120)
            if done.returncode != 0:
                raise Failure(f"synward-load: {done.stderr[-2000:]}")
        return json.loads(done.stdout)["phases"]

    def note(self, what: str, column: str, row: str, figure: float) -> None:
        self.found[what, column, row].append(figure)
        print(f"  {what}: {column}, {row}: {figure:,.2f}", flush=True)

    def syns(self) -> None:
        for name, words in self.contestants().items():
            for family, target in TARGETS.items():
                for rate in SYN_RATES:
                    options = ("--target", target, *STATION[name], "--flood", str(rate), "--baseline", str(SETTLE_S), "--duration", str(self.seconds))
                    attack = self.load(words, 1, *options)["attack"]
                    came = attack["wire"]["received" if "macswap" in name else "syn_acks"]
                    self.note("SYNs answered, M/s", f"{name}, {family}", f"{rate / 1e6:g} M/s", came / attack["seconds"] / 1e6)

    def handshakes(self) -> None:
        """As long as all but one in a thousand succeed; the last one that was good counts."""
        servers = {name: words for name, words in self.contestants().items() if "macswap" not in name}
        for name, words in servers.items():
            for family, target in TARGETS.items():
                best = 0.0
                for rate in HANDSHAKE_RATES:
                    options = ("--target", target, *STATION[name], *CLIENTS, "--clients", str(rate), "--patience", "2")
                    phase = self.load(words, 1, *options, "--duration", "0", "--baseline", str(self.seconds))["baseline"]
                    closed = phase["outcomes"]["succeeded"] - phase["unclosed"]
                    if 100 * closed < GOOD * phase["clients"]:
                        break
                    best = closed / phase["seconds"]
                self.note("connections opened and closed, k/s", f"{name}, {family}", "the most", best / 1e3)

    def goodput(self) -> None:
        for family, target in TARGETS.items():
            for rate in GOODPUT_SYN_RATES:
                asking = ("--clients", str(GOODPUT_CLIENTS), "--patience", "4", "--request", "question", "--answer-bytes", str(ANSWER_BYTES))
                flood = ("--flood", str(rate), "--baseline", str(SETTLE_S), "--duration", str(GOODPUT_TIMES * self.seconds))
                attack = self.load(self.synward(2), 2, "--target", target, *CLIENTS, *asking, *flood)["attack"]
                row = f"{rate / 1e6:g} M/s"
                self.note("under so many SYNs", f"Mbit/s, {family}", row, attack["goodput_bps"] / 1e6)
                self.note("under so many SYNs", f"served, %, {family}", row, attack["success_percent"])
                self.note("under so many SYNs", f"at their first SYN, %, {family}", row, attack["first_syn_success_percent"])
                self.note("under so many SYNs", f"first byte p50, us, {family}", row, attack["first_byte_us"]["p50"])

    def print_tables(self) -> None:
        """Medians, and what lies between the lowest and the highest."""
        for what in dict.fromkeys(what for what, _, _ in self.found):
            columns = list(dict.fromkeys(column for w, column, _ in self.found if w == what))
            rows = list(dict.fromkeys(row for w, _, row in self.found if w == what))
            print()
            found = {row: [self.found[what, column, row] for column in columns] for row in rows}
            cells = [[row, *(f"{median(c):,.2f} ({min(c):,.2f} to {max(c):,.2f})" for c in figures)] for row, figures in found.items()]
            report.print_table([what, *columns], cells)


PARTS = {"syns": Bench.syns, "handshakes": Bench.handshakes, "goodput": Bench.goodput}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree", type=pathlib.Path, help="of the build")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    options = parser.parse_args()
    if len(CPUS) < 2:
        parser.error("this wants two processors")
    print(f"{report.machine()}, load {os.getloadavg()[0]:.1f}")
    try:
        with tempfile.TemporaryDirectory(prefix="synward-wire-") as folder:
            bench = Bench(options.tree.resolve(), pathlib.Path(folder), options.seconds)
            for number in range(options.rounds):
                print(f"round {number + 1} of {options.rounds}")
                for part in options.only:
                    PARTS[part](bench)
            print(f"\nMedians of {options.rounds} rounds, lowest and highest.")
            bench.print_tables()
    except Failure as failure:
        print(f"wire: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
