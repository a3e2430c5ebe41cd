"""synward behind a wire without a kernel: net_vhost, which synward-load drives through virtio_user, two processes on two cores.

usage: ./dev bench wire [--rounds N] [--seconds N] [--only CONTESTANT ...]

Beside it dpdk-testpmd's macswap, which only turns frames round, and a straightforward scalar responder (bench/micro/baseline.cpp).
First the most SYNs that each answers in a second, then the most handshakes that clients complete with synward. Medians; the
contestants take turns.
"""

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from statistics import median

RING = "queues=1,queue_size=1024,packed_vq=1,in_order=1,mrg_rxbuf=0"
MAC = "02:00:00:00:00:0a"
TARGETS = {"IPv4": "198.18.0.10:443", "IPv6": "[2001:2::10]:443"}
# SYNs a second. Who is flooded with more than it takes may answer fewer than it could: the best counts.
LADDER = (2e6, 4e6, 6e6, 8e6, 12e6, 50e6)
CLIENT_LADDER = (10_000, 20_000, 40_000, 60_000, 80_000, 120_000, 160_000)  # connections a second
GOOD = 99.9  # percent of the clients
CPUS = sorted(os.sched_getaffinity(0))
START_S = 20
# Its worker has the last processor, as the others'; the generator has the first.
LCORES = ("--lcores", f"0@{CPUS[0]},1@{CPUS[-1]}")
MEMORY = ("--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "--single-file-segments")

CONFIG = """
[workers]
lcores = "1"
poll = "busy"
[[port]]
name = "wire"
device = "net_vhost0,iface={socket},queues=1"
[[service]]
name = "four"
address = "198.18.0.10"
port = 443
then = "accept"
[[service]]
name = "six"
address = "2001:2::10"
port = 443
then = "accept"
[control]
socket = "{folder}/control.sock"
"""


class Failure(Exception):
    """Something that does not run; the message says what."""


@contextlib.contextmanager
def running(words: list[str], socket: pathlib.Path, log: pathlib.Path) -> Iterator[None]:
    """Until its end of the wire is there, and then until it is told to end."""
    with open(log, "w") as out:
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=out, stderr=out)
        try:
            deadline = time.monotonic() + START_S
            while not socket.exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise Failure(f"{words[0]} does not start: {log.read_text()}")
                time.sleep(0.05)
            time.sleep(0.5)
            yield
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)


class Wire:
    """Where the programs are, and how each contestant is started."""

    def __init__(self, tree: pathlib.Path, folder: pathlib.Path):
        self.tree, self.folder = tree, folder
        self.socket = folder / "wire.sock"

    def contestants(self) -> dict[str, list[str]]:
        vhost = f"net_vhost0,iface={self.socket},queues=1"
        config = self.folder / "synward.toml"
        config.write_text(CONFIG.format(socket=self.socket, folder=self.folder))
        return {
            "synward": [str(self.tree / "synward"), "run", "-c", str(config), "--", "--no-huge", "--no-pci", "--single-file-segments", *LCORES, "--main-lcore", "0"],
            "scalar responder": [str(self.tree / "bench/wire/wire_responder"), *MEMORY, "-m", "256", *LCORES, "--", vhost],
            "testpmd macswap": ["dpdk-testpmd", *MEMORY, "-m", "256", f"--vdev={vhost}", *LCORES, "--",
                                "--forward-mode=macswap", "--auto-start", "--port-topology=loop", "--no-lsc-interrupt", "--burst=64", "--total-num-mbufs=16384", "--stats-period=3600"],
        }  # fmt: skip

    def load(self, words: list[str], *options: str) -> dict:
        """What synward-load reports of the attack, and of its baseline where there is none."""
        self.socket.unlink(missing_ok=True)
        with running(words, self.socket, self.folder / "contestant.log"):
            device = f"net_virtio_user0,path={self.socket},{RING}"
            command = [str(self.tree / "synward-load"), "--device", device, "--json", "-", "--recovery", "0", "--max-packets", "100000000000", *options]
            eal = ["--", *MEMORY, "-m", "512", "--lcores", f"0@{CPUS[-1]},1@{CPUS[0]}"]
            done = subprocess.run(command + eal, capture_output=True, text=True, timeout=120)
            if done.returncode != 0:
                raise Failure(f"synward-load: {done.stderr[-2000:]}")
        return json.loads(done.stdout)["phases"]


def answered(wire: Wire, name: str, target: str, seconds: float) -> float:
    """The most SYNs a second; of macswap, which answers nothing, frames that came back."""
    station = () if name == "synward" else ("--mac", MAC)  # the others answer no neighbour
    best = 0.0
    for rate in LADDER:
        attack = wire.load(wire.contestants()[name], "--target", target, *station, "--flood", str(rate), "--baseline", "0", "--duration", str(seconds))["attack"]
        came = attack["wire"]["received"] if "macswap" in name else attack["wire"]["syn_acks"]
        best = max(best, came / attack["seconds"])
        if came < 0.7 * rate * attack["seconds"]:
            break  # the next ones are more of the same
    return best


def handshakes(wire: Wire, target: str, seconds: float) -> float:
    """The most connections a second that are opened and closed with synward, without a flood, as long as all but one in a
    thousand succeed and the generator keeps up with its own clients."""
    best = 0.0
    for rate in CLIENT_LADDER:
        options = ("--target", target, "--clients", str(rate), "--arrivals", "constant", "--patience", "2", "--duration", "0", "--baseline", str(seconds))
        phase = wire.load(wire.contestants()["synward"], *options)["baseline"]
        if phase["success_percent"] < GOOD or phase["generator_late_us"]["p99"] > 100_000:
            break
        best = phase["outcomes"]["succeeded"] / phase["seconds"]
    return best


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree", type=pathlib.Path, help="of the build")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--only", nargs="+", metavar="CONTESTANT")
    options = parser.parse_args()
    if len(CPUS) < 2:
        parser.error("this wants two processors")
    model = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    print(f"{model[1] if model else 'unknown CPU'}, {len(CPUS)} processors, Linux {platform.release()}, {datetime.date.today()}, load {os.getloadavg()[0]:.1f}")
    found: dict[tuple[str, str], list[float]] = {}
    try:
        with tempfile.TemporaryDirectory(prefix="synward-wire-") as folder:
            wire = Wire(options.tree.resolve(), pathlib.Path(folder))
            for _ in range(options.rounds):
                for name in wire.contestants():
                    if options.only and name not in options.only:
                        continue
                    for family, target in TARGETS.items():
                        rates = {f"{name}, SYNs answered": answered(wire, name, target, options.seconds)}
                        if name == "synward":
                            rates["synward, connections opened and closed"] = handshakes(wire, target, options.seconds)
                        for what, rate in rates.items():
                            print(f"  {what}, {family}: {rate:,.0f}/s", file=sys.stderr, flush=True)
                            found.setdefault((what, family), []).append(rate)
    except Failure as failure:
        print(f"bench wire: {failure}", file=sys.stderr)
        return 1
    print(f"\nmedians of {options.rounds} rounds, {options.seconds:g} s at each rate\n| | | a second | worst to best |\n| --- | --- | ---: | ---: |")
    for (what, family), rates in found.items():
        print(f"| {what} | {family} | {median(rates):,.0f} | {min(rates):,.0f} to {max(rates):,.0f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
