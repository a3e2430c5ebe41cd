"""How much of a flood an ideal filter on the same wire stands, and what synward and the kernel make of as much, and of twice that.

usage: ./dev bench flood [KIND...]      of syn, ack, rst, syn-ack
"""

import contextlib
import dataclasses
import json
import sys
import time
from collections.abc import Iterator

import report
import wires
from shield import HTTP, SERVERS, Web, config, host
from synward import Synward
from wires import Place

KINDS = ("syn", "ack", "rst", "syn-ack")
TARGETS = [f"--target={host(address)}:{HTTP}" for address in SERVERS]
CLIENTS_PER_S, SECONDS = 250, 4  # a thousand of them
PATIENCE_S = 5
GOOD = 0.999  # of the clients
FIRST_RATE, LAST_RATE = 50_000, 3_200_000
BISECTIONS = 3


@dataclasses.dataclass
class Figures:
    """What so many clients saw under such a flood."""

    asked: float  # packets per second that were to be sent
    sent: float  # and that were
    success: float
    median_ms: float

    @property
    def is_good(self) -> bool:
        return self.success >= GOOD

    @property
    def is_what_was_asked(self) -> bool:
        return self.sent > 0.95 * self.asked


class Flood:
    """For SECONDS and a bit before and after, in the background; a rate of 0 is none."""

    def __init__(self, place: Place, kind: str, rate: float):
        self._process = None
        if rate:
            words = ["flood", "--interface", "near", *TARGETS, "--kind", kind, "--rate", str(rate)]
            self._process = wires.start_load(place.client, *words, seconds=SECONDS + 2)
            time.sleep(0.7)

    def sent(self) -> float:
        """Packets a second, once it is over."""
        if self._process is None:
            return 0.0
        said, _ = self._process.communicate(timeout=SECONDS + 30)
        return json.loads(said.splitlines()[-1])["per_s"]


def measure(place: Place, kind: str, rate: float) -> Figures:
    """Meanwhile clients come, a thousand of them."""
    flood = Flood(place, kind, rate)
    clients = ["connect", *TARGETS, "--rate", str(CLIENTS_PER_S), "--patience", str(PATIENCE_S), "--stay", "0.1"]
    report = wires.load(place.client, *clients, seconds=SECONDS)
    return Figures(rate, flood.sent(), report["closed"] / report["started"], report["connect_us"]["p50"] / 1000)


def growth(place: Place, synward: Synward, kind: str, rate: float) -> str:
    """Of its memory while the flood has it to itself: clients take a page of the table each."""
    Flood(place, kind, rate).sent()  # now all memory that is ever used was used once
    before = synward.resident_kib()
    Flood(place, kind, rate).sent()
    return f"{synward.resident_kib() - before:+,} KiB"


def highest(place: Place, kind: str, is_good, first: float, last: float) -> Figures | None:
    """The highest rate that was good: by doubling, then by halves of what lies between that and the first bad one."""
    best, bad, rate = None, None, first
    for _ in range(12):
        figures = measure(place, kind, rate)
        print(f"  {figures.sent:,.0f} of {rate:,.0f}/s: {figures.success:.2%}, {figures.median_ms:.2f} ms", file=sys.stderr, flush=True)
        if not is_good(figures):
            bad = rate
            break
        best = figures
        if not figures.is_what_was_asked or rate >= last:
            return best  # more cannot be sent
        rate *= 2
    low = best.asked if best else first / 8
    for _ in range(BISECTIONS):
        rate = (low + bad) / 2
        figures = measure(place, kind, rate)
        print(f"  {figures.sent:,.0f} of {rate:,.0f}/s: {figures.success:.2%}, {figures.median_ms:.2f} ms", file=sys.stderr, flush=True)
        if is_good(figures):
            best, low = figures, rate
        else:
            bad = rate
    return best


@contextlib.contextmanager
def served() -> Iterator[Place]:
    """A server without defence: a queue of 128, no SYN cookies, and every client is new to it."""
    with wires.laboratory() as lab:
        place = Place(lab)
        for name, value in (("ipv4.tcp_syncookies", 0), ("ipv4.tcp_max_syn_backlog", 128), ("core.somaxconn", 128), ("ipv4.tcp_no_metrics_save", 1)):
            place.server.sysctl(f"net.{name}", value)
        place.client.sysctl("net.ipv4.ip_local_port_range", "1025 65535")
        for prefix, via in (("198.19.0.0/16", "198.18.0.1"), ("2001:2:0:8000::/49", "2001:2::1")):  # whom the flood claims to be
            place.server.run("ip", "route", "add", prefix, "via", via)
        # They are not here. Where their packets end costs who answers as little as can be: on a veth it is the answerer's time.
        gone = "ip daddr 198.19.0.0/16 drop; ip6 daddr 2001:2:0:8000::/49 drop;"
        chain = f"chain gone {{ type filter hook ingress device near priority 0; {gone} }}"
        place.client.run("nft", "-f", "-", stdin=f"table netdev elsewhere {{ {chain}; }}\n".encode())
        Web(place.server, lab.folder / "web")
        yield place


def row(name: str, figures: Figures, memory: str = "") -> list[str]:
    return [name, f"{figures.sent:,.0f}", f"{figures.success:.2%}", f"{figures.median_ms:.2f}", memory]


def compare(kind: str) -> None:
    rows = []
    with served() as place:
        with place.bridge(filters=True):
            rows.append(row("ideal filter, quiet", measure(place, kind, 0)))
            best = highest(place, kind, lambda f: f.is_good, FIRST_RATE, LAST_RATE)
            if best is None:
                sys.exit(f"not even an ideal filter stands {FIRST_RATE / 8:,.0f} packets/s here")
            # Twice as much must be possible to send.
            most = measure(place, kind, 2 * best.asked)
            rate = best.sent if most.is_what_was_asked else most.sent / 2
            rows.append(row("ideal filter, R" if most.is_what_was_asked else "ideal filter, R: half of all that can be sent", measure(place, kind, rate)))
            rows.append(row("ideal filter, 2R", most))
        text = config(ports=(HTTP,)).replace("framecnt=4096", "framecnt=16384")  # what comes while others have the core
        with place.synward(text, teach=(HTTP,)) as path:
            quiet = measure(place, kind, 0)
            rows.append(row("synward, quiet", quiet))
            for name, factor in (("R", 1), ("2R", 2)):
                more = growth(place, path.synward, kind, factor * rate)
                rows.append(row(f"synward, {name}", measure(place, kind, factor * rate), more))
            own = highest(place, kind, lambda f: f.is_good and f.median_ms <= 2 * quiet.median_ms, rate / 8, LAST_RATE)
            if own:
                rows.append(row("synward, the most with 99.9 % and twice the quiet median", own))
        with place.bridge():
            rows.append(row("nothing, 2R", measure(place, kind, 2 * rate)))
            place.server.sysctl("net.ipv4.tcp_syncookies", 1)
            rows.append(row("the server's own SYN cookies, quiet", measure(place, kind, 0)))
            for name, factor in (("R", 1), ("2R", 2)):
                rows.append(row(f"the server's own SYN cookies, {name}", measure(place, kind, factor * rate)))
    print(f"\nflood of {kind}, IPv4 and IPv6 in turn")
    report.print_table(["before the server", "packets/s", "clients served", "connect, median ms", "memory"], rows)


def main() -> None:
    for kind in sys.argv[1:] or KINDS:
        if kind not in KINDS:
            sys.exit(f"there is no flood of {kind}; there are: {', '.join(KINDS)}")
        compare(kind)


if __name__ == "__main__":
    main()
