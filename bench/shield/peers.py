"""What clients of one web server experience under a SYN flood, with nothing before it, with what Linux has, and behind synward.

usage: ./dev bench peers [--rounds N] [--seconds N] [--flood RATE ...] [--only DEFENCE ...] [--plot FILE.svg]

synward-load plays flood and clients, the same against each, in turns: a noisy minute is everybody's. Linux's defences are on the
server itself, at the other end of the cable; synward has one worker, and is in the cable. First the trials, then what a SYN costs.
Ends with 1 when a generator was too slow for what it was asked.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import sys
import threading
from collections.abc import Callable, Iterator
from statistics import median

import bars
import namespaces
import report
import wires
from namespaces import Namespace
from shield import HTTP, SERVER4, Web, config
from synward import NO_HUGE_PAGES, Synward
from wires import CPUS, LOAD, Place

CLIENTS_PER_S = 200
REQUEST = ("--request", f"GET / HTTP/1.1\\r\\nHost: {SERVER4}\\r\\nConnection: close\\r\\n\\r\\n", "--expect", "HTTP/1.1 200")
# Where synward-load's clients and its flood come from; the server must know a way to them that is no neighbour's.
CLIENTS, FLOOD = "198.18.64.0/24", "198.19.0.0/16"
COST_SECONDS, COST_RATE = 3, 5_000_000  # more than can be sent
PATIENCE_S = 4  # SYNs after 0, 1 and 3 s
# As the wiki of nftables has it.
SYNPROXY = f"""
table ip guard {{
 chain raw {{
  type filter hook prerouting priority raw; policy accept;
  tcp dport {HTTP} tcp flags syn notrack
 }}
 chain in {{
  type filter hook input priority filter; policy accept;
  tcp dport {HTTP} ct state invalid,untracked synproxy mss 1460 wscale 7 timestamp sack-perm
  ct state invalid drop
 }}
}}
"""
# What a flood meets that costs as little as can be: for what sending it and crossing the cable cost alone.
SINK = f"""
table netdev sink {{
 chain in {{
  type filter hook ingress device far priority 0; policy accept;
  ip saddr {FLOOD} drop
 }}
}}
"""
GONE = f"""
table netdev elsewhere {{
 chain gone {{
  type filter hook ingress device near priority 0; policy accept;
  ip daddr {FLOOD} drop
 }}
}}
"""
SLABS = ("request_sock_TCP", "nf_conntrack")


@dataclasses.dataclass
class Ground:
    """A client and a server; between them a cable, or synward."""

    client: Namespace
    server: Namespace
    interface: str  # the server's
    memory: Callable[[], int]  # what the defence holds, in bytes
    synward: Synward | None = None

    @contextlib.contextmanager
    def watched(self) -> Iterator[Callable[[], int]]:
        """Yields what tells the most that the defence was seen to hold."""
        over, most = threading.Event(), 0

        def watch() -> None:
            nonlocal most
            while not over.wait(0.1):
                most = max(most, self.memory())

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield lambda: most
        finally:
            over.set()
            watcher.join()

    def answered(self) -> int:
        """Packets that the defence has sent to the client."""
        if self.synward is not None:
            return self.synward.stats()["total"]["events"]["syn_answered"]
        return int(self.server.run("cat", f"/sys/class/net/{self.interface}/statistics/tx_packets"))


def slab_bytes() -> int:
    """What the kernel keeps for half-open connections, and for those that it tracks."""
    lines = (line.split() for line in pathlib.Path("/proc/slabinfo").read_text().splitlines()[2:])
    return sum(int(active) * int(size) for name, active, _, size, *_ in lines if name in SLABS)


def serve(server: Namespace, folder: pathlib.Path, interface: str) -> None:
    server.run("ip", "route", "add", CLIENTS, "dev", interface)
    server.run("ip", "route", "add", FLOOD, "via", CLIENTS.replace(".0/24", ".1"))
    Web(server, folder / "web")


@contextlib.contextmanager
def on_the_server(sysctls: dict[str, int], rules: str = "") -> Iterator[Ground]:
    with wires.laboratory() as lab:
        client, server = lab.namespace("client"), lab.namespace("server")
        namespaces.wire(client, "near", server, "far")
        client.configure("near", "198.18.0.1/24")
        server.configure("far", f"{SERVER4}/24", "2001:2::10/64")
        serve(server, lab.folder, "far")
        if rules:
            server.run("nft", "-f", "-", stdin=rules.encode())
        for name, value in sysctls.items():
            server.sysctl(name, value)
        before = slab_bytes()
        yield Ground(client, server, "far", lambda: slab_bytes() - before)


@contextlib.contextmanager
def behind_synward() -> Iterator[Ground]:
    with wires.laboratory() as lab:
        place = Place(lab)
        serve(place.server, lab.folder, "back")
        with place.synward(config(ports=(HTTP,)).replace("framecnt=4096", "framecnt=16384"), teach=(HTTP,)) as path:
            yield Ground(place.client, place.server, "back", lambda: 1024 * path.synward.resident_kib(), path.synward)


Defence = Callable[[], contextlib.AbstractContextManager[Ground]]
DEFENCES: dict[str, Defence] = {
    "nothing": lambda: on_the_server({"net.ipv4.tcp_syncookies": 0}),
    "syncookies=1": lambda: on_the_server({"net.ipv4.tcp_syncookies": 1}),
    "syncookies=2": lambda: on_the_server({"net.ipv4.tcp_syncookies": 2}),
    "SYNPROXY": lambda: on_the_server({"net.ipv4.tcp_syncookies": 1, "net.ipv4.tcp_timestamps": 1, "net.netfilter.nf_conntrack_tcp_loose": 0}, SYNPROXY),
    "synward": behind_synward,
}


@dataclasses.dataclass
class Trial:
    """Its attack."""

    syn_acks_per_s: float
    per_syn: float
    success: float
    first_syn: float
    p50_ms: float
    p99_ms: float
    first_byte_p99_ms: float
    mebibytes: float
    saturated: bool


def trial(defence: Defence, rate: float, seconds: float) -> Trial:
    with defence() as ground, ground.watched() as most:
        words = [LOAD, "--device", "net_af_packet0,iface=near,framecnt=16384", "--target", f"{SERVER4}:{HTTP}", "--json", "-"]
        words += ["--flood", str(rate), "--clients", str(CLIENTS_PER_S), *REQUEST, "--patience", str(PATIENCE_S)]
        words += ["--baseline", "1", "--duration", str(seconds), "--recovery", "1"]
        eal = [*NO_HUGE_PAGES, "--lcores", f"0@{CPUS[-1]},1@{CPUS[0]}"]
        said = ground.client.run(*words, "--", *eal, seconds=seconds + 40)
        kept = most()
    attack = json.loads(said[said.index("\n{") :])["phases"]["attack"]
    syn_acks = attack["syn_acks_per_syn"] * attack["wire"]["syns_sent"]
    latency, first_byte = attack["syn_ack_us"], attack["first_byte_us"]
    return Trial(
        syn_acks / attack["seconds"],
        attack["syn_acks_per_syn"],
        attack["success_percent"],
        attack["first_syn_success_percent"],
        *((us or 0) / 1000 for us in (latency["p50"], latency["p99"], first_byte["p99"])),  # null: nobody got so far
        kept / (1 << 20),
        attack["saturated"],
    )


@dataclasses.dataclass
class Passage:
    """A flood of all that one core can send."""

    sent_per_s: float
    answered_per_s: float
    busy_ns: float  # of synward's worker, for each answer


def passage(defence: Defence) -> Passage:
    with defence() as ground:
        ground.client.run("nft", "-f", "-", stdin=GONE.encode())
        mac = ground.client.run("cat", "/sys/class/net/near/address").strip()  # synward-load's clients are not here to answer for it
        ground.server.run("ip", "neigh", "replace", CLIENTS.replace(".0/24", ".1"), "lladdr", mac, "dev", ground.interface)
        before, cores = ground.answered(), cycles(ground)
        words = ["flood", "--interface", "near", "--target", f"{SERVER4}:{HTTP}", "--rate", str(COST_RATE)]
        said, _ = wires.start_load(ground.client, *words, seconds=COST_SECONDS).communicate(timeout=COST_SECONDS + 30)
        sent = json.loads(said.splitlines()[-1])
        answered, (busy, spent, seconds) = ground.answered() - before, (b - a for a, b in zip(cores, cycles(ground), strict=True))
    busy_ns = 1e9 * busy / spent * seconds / max(answered, 1) if spent else 0.0
    return Passage(sent["per_s"], answered / sent["elapsed_s"], busy_ns)


def cycles(ground: Ground) -> tuple[float, float, float]:
    """Of synward's worker: those that it was busy, all of them, and the seconds that it runs."""
    if ground.synward is None:
        return (0, 0, 0)
    stats = ground.synward.stats()
    total = stats["total"]
    return (total["busy_cycles"], total["busy_cycles"] + total["idle_cycles"], stats["uptime_s"])


def costs(rounds: int, names: list[str]) -> tuple[list[list[str]], dict[str, list[float]]]:
    """A table, and CPU nanoseconds an answer in each round. What a SYN costs whoever answers it. On a veth the receiving kernel works on the sender's time: what an answer costs is how
    much longer the sender takes for a SYN than where all are dropped as they come."""
    contestants: dict[str, Defence] = {"sink": lambda: on_the_server({}, SINK)} | {name: DEFENCES[name] for name in names}
    found: dict[str, list[Passage]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, defence in contestants.items():
            found[name].append(passage(defence))
    sink_ns = median(1e9 / p.sent_per_s for p in found["sink"])
    rows, nanoseconds = [], {}
    for name in names:
        answered = median(p.answered_per_s for p in found[name])
        shares = [p.answered_per_s / p.sent_per_s for p in found[name]]
        nanoseconds[name] = []
        if median(shares) > 0.01:
            nanoseconds[name] = [p.busy_ns if name == "synward" else (1e9 / p.sent_per_s - sink_ns) / share for p, share in zip(found[name], shares, strict=True)]
        cost = f"{median(nanoseconds[name]):,.0f}" if nanoseconds[name] else "-"
        rows.append([name, f"{median(p.sent_per_s for p in found[name]):,.0f}", f"{answered:,.0f}", f"{median(shares):.1%}", cost])
    rows.append(["all dropped as they come", f"{1e9 / sink_ns:,.0f}", "", "", ""])
    return rows, nanoseconds


Found = dict[tuple[float, str], list[Trial]]


def trials(options: argparse.Namespace) -> tuple[list[list[str]], Found]:
    """A table, and all that was found."""
    found: Found = {(rate, name): [] for rate in options.flood for name in options.only}
    for number in range(options.rounds):
        for rate, name in found:
            one = trial(DEFENCES[name], rate, options.seconds)
            print(f"  round {number + 1}, {rate:,.0f}/s, {name}: {one}", file=sys.stderr, flush=True)
            found[rate, name].append(one)
    rows = []
    for (rate, name), all_found in found.items():

        def of(figure: str, all_found: list[Trial] = all_found) -> float:
            return median(getattr(one, figure) for one in all_found)

        kept_up = not any(one.saturated for one in all_found)
        figures = [f"{of('syn_acks_per_s'):,.0f}", f"{of('success'):.2f} %", f"{of('first_syn'):.2f} %", f"{of('p50_ms'):.3f}", f"{of('p99_ms'):.3f}"]
        figures += [f"{of('first_byte_p99_ms'):.1f}", f"{of('mebibytes'):.2f}"]
        rows.append([f"{rate:,.0f}", name + ("" if kept_up else " (*)"), *figures])
    return rows, found


def draw(found: Found, nanoseconds: dict[str, list[float]], machine: str, path: pathlib.Path) -> None:
    units = {"clients served, %": "success", "SYN-ACK p99, ms": "p99_ms", "first byte p99, ms": "first_byte_p99_ms"}
    panels = [
        bars.Panel(unit, {f"{rate:,.0f}/s, {name}": [getattr(one, figure) for one in ones if one.success > 50 or figure == "success"] for (rate, name), ones in found.items()})
        for unit, figure in units.items()
    ]
    panels.append(bars.Panel("CPU nanoseconds an answer", {f"all that comes, {name}": values for name, values in nanoseconds.items()}))
    bars.draw("Clients of one web server under a flood of so many SYNs, by what stands before it", machine, panels, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4, help="of each attack")
    parser.add_argument("--flood", type=float, nargs="+", default=[20_000, 100_000, 250_000], metavar="RATE")
    parser.add_argument("--only", nargs="+", choices=DEFENCES, default=list(DEFENCES), metavar="DEFENCE")
    parser.add_argument("--plot", type=pathlib.Path, metavar="FILE.svg")
    options = parser.parse_args()
    print(f"{report.machine()}, load {os.getloadavg()[0]:.1f}")
    rows, found = trials(options)
    print(f"\n{CLIENTS_PER_S} clients a second, an attack of {options.seconds:g} s, medians of {options.rounds} rounds; patience {PATIENCE_S} s")
    head = ["flood, SYNs/s", "before the server", "SYN-ACKs/s", "clients served", "with the first SYN", "SYN-ACK p50, ms", "p99, ms", "first byte p99, ms", "memory, MiB"]
    report.print_table(head, rows)
    print(f"\nall that one core can send, {COST_SECONDS} s")
    rows, nanoseconds = costs(options.rounds, options.only)
    report.print_table(["before the server", "sent/s", "answered/s", "of them", "CPU ns an answer"], rows)
    if options.plot:
        draw(found, nanoseconds, f"{report.machine()}; {options.rounds} rounds", options.plot)
    if any(one.saturated for ones in found.values() for one in ones):
        print("\n(*) the generator was too slow in some round")
        sys.exit(1)


if __name__ == "__main__":
    main()
