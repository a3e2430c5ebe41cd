"""synward's workers and testpmd's macswap at the same virtual ports under the same flood: packets per second, cycles, ratios.

usage: ./dev bench pmd [--rounds N] [--milliseconds N] [--only PORTS]

Every process measures once, for so many milliseconds; the contestants take turns, so that a noisy minute is everybody's, and
a figure is the median of the rounds. PORTS is a heading of the table, "net_null, 1 worker". Ends with 1 when a process failed
or synward left a SYN unanswered.
"""

import argparse
import dataclasses
import datetime
import json
import os
import pathlib
import subprocess
import sys
import threading
from statistics import median

import report

# What EAL takes from anybody: no root, no huge pages.
EAL = "--no-huge --no-shconf -m 256 --no-pci --no-telemetry --log-level=warning".split()
# As synward has it: its burst, its pool, its caches. A flush would take the frames off net_ring's wire.
TESTPMD = "--forward-mode=macswap --auto-start --port-topology=loop --no-flush-rx --no-lsc-interrupt --burst=64 --total-num-mbufs=8192 --mbcache=256"
DEVICES = {"net_null": "net_null0,size=74", "net_ring": "net_ring0"}
SYNWARD, TESTPMD_ROW, BARE = "synward, SYNs answered", "testpmd, macswap", "testpmd, macswap, without the source"
CONTESTANTS = (BARE, TESTPMD_ROW, SYNWARD)
START_S = 30  # a process needs less than a second, a sanitized one on a busy machine some more


class Failure(Exception):
    """A process that has nothing to say that counts."""


@dataclasses.dataclass
class Ports:
    """What the contestants run on."""

    device: str
    workers: int

    @property
    def name(self) -> str:
        return f"{self.device}, {self.workers} worker{'s'[:self.workers - 1]}"

    def eal_arguments(self) -> list[str]:
        """The main lcore sleeps, and shares the first processor; workers have the last ones."""
        cpus = sorted(os.sched_getaffinity(0))
        lcores = [f"0@{cpus[0]}"] + [f"{n + 1}@{cpus[-1 - n]}" for n in range(self.workers)]
        return [*EAL, f"--vdev={DEVICES[self.device]}", "--lcores", ",".join(lcores)]


def passage(words: list[str], environment: dict[str, str], patience_s: float) -> dict:
    """What the process measured. It may live until its standard input ends."""
    with subprocess.Popen(words, env={**os.environ, **environment}, text=True, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        watchdog = threading.Timer(patience_s, process.kill)
        watchdog.start()
        said = []
        for line in process.stderr:
            said.append(line)
            if line.startswith("pmd: "):
                process.stdin.close()
        process.wait()
        watchdog.cancel()
    lines = [line for line in said if line.startswith("pmd: ")]
    if len(lines) != 1 or process.returncode != 0:
        raise Failure(f"{words[0]} ended with {process.returncode}: {''.join(said[-5:])}")
    measured = json.loads(lines[0].removeprefix("pmd: "))
    if measured["problem"]:
        raise Failure(f"{words[0]}: {measured['problem']}")
    # Both counts are read in turn, maybe with an interruption between them.
    if abs(measured["received"] - measured["sent"]) > measured["received"] / 20:
        raise Failure(f"{words[0]}: of {measured['received']} packets {measured['sent']} were sent")
    return measured


def measure(contestant: str, ports: Ports, options: argparse.Namespace) -> dict:
    workers, milliseconds = str(ports.workers), str(options.milliseconds)
    patience_s = START_S + options.milliseconds / 1000
    if contestant == SYNWARD:
        return passage([str(options.program), *ports.eal_arguments(), "--", workers, milliseconds], {}, patience_s)
    environment = {"LD_PRELOAD": str(options.preload.resolve()), "SYNWARD_PMD_MILLISECONDS": milliseconds,
                   "SYNWARD_PMD_SOURCE": "none" if contestant == BARE else "syns"}
    queues = [f"--nb-cores={workers}", f"--rxq={workers}", f"--txq={workers}"]
    return passage(["dpdk-testpmd", *ports.eal_arguments(), "--", *TESTPMD.split(), *queues], environment, patience_s)


def repetitions(found: dict[tuple[str, str], list[dict]], ports: list[Ports]) -> list[dict]:
    """As Google Benchmark writes them, so that the tools of bench/micro read them."""
    workers = {p.name: p.workers for p in ports}
    runs = []
    for (contestant, name), all_measured in found.items():
        for measured in all_measured:
            seconds = measured["cycles"] / measured["tsc_hz"]
            runs.append({"run_name": f"{contestant}/{name}", "run_type": "iteration", "family_index": CONTESTANTS.index(contestant),
                         "cycles": measured["cycles"] * workers[name] / measured["received"],
                         "packets_per_second": measured["received"] / seconds})
    return runs


def show(runs: list[dict], ports: list[Ports]) -> None:
    def figure(contestant: str, name: str, key: str) -> float:
        return median(run[key] for run in runs if run["run_name"] == f"{contestant}/{name}")

    width = max(map(len, CONTESTANTS)) + 4
    for p in ports:
        print(f"{p.name:<{width}}{'M packets/s':>12} {'cycles':>8} {'best to worst':>16} {'of testpmd':>11}")
        for contestant in CONTESTANTS:
            cycles = [run["cycles"] for run in runs if run["run_name"] == f"{contestant}/{p.name}"]
            rate = figure(contestant, p.name, "packets_per_second")
            ratio = rate / figure(TESTPMD_ROW, p.name, "packets_per_second")
            print(f"  {contestant:<{width - 2}}{rate / 1e6:>12.2f} {median(cycles):>8.1f} {min(cycles):>8.1f}{max(cycles):>8.1f} {ratio:>11.2f}")
        cost = figure(TESTPMD_ROW, p.name, "cycles") - figure(BARE, p.name, "cycles")
        rest = figure(SYNWARD, p.name, "cycles") - cost
        print(f"  {'the source, as testpmd has it':<{width - 2}}{'':>12} {cost:>8.1f}")
        print(f"  {'synward without it, by subtraction':<{width - 2}}{'':>12} {rest:>8.1f} {'':>16} {figure(BARE, p.name, 'cycles') / rest:>11.2f}")
    for device in DEVICES:
        one, two = Ports(device, 1).name, Ports(device, 2).name
        if {one, two} <= {p.name for p in ports}:
            gains = [f"{c} {figure(c, two, 'packets_per_second') / figure(c, one, 'packets_per_second'):.2f}" for c in CONTESTANTS]
            print(f"{device}, 2 workers / 1: {'; '.join(gains)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path, help="pmd_bench")
    parser.add_argument("preload", type=pathlib.Path, help="what testpmd gets")
    parser.add_argument("out", type=pathlib.Path, help="JSON, every repetition")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--milliseconds", type=int, default=1000)
    parser.add_argument("--only", action="append", metavar="PORTS")
    options = parser.parse_args()
    for built in (options.program, options.preload):
        if not built.is_file():  # the loader would only warn, and testpmd wait for ever
            parser.error(f"there is no {built}")
    cpus = len(os.sched_getaffinity(0))
    ports = [Ports(device, workers) for device in DEVICES for workers in (1, 2) if workers <= cpus]
    if cpus == 1:
        print("one processor: one worker")
    ports = [p for p in ports if not options.only or p.name in options.only]
    if not ports:
        parser.error(f"there are no such ports; there are: {', '.join(Ports(d, w).name for d in DEVICES for w in (1, 2))}")
    found: dict[tuple[str, str], list[dict]] = {(c, p.name): [] for p in ports for c in CONTESTANTS}
    try:
        for _ in range(options.rounds):
            for p in ports:
                for contestant in CONTESTANTS:
                    found[contestant, p.name].append(measure(contestant, p, options))
    except Failure as failure:
        print(f"bench pmd: {failure}", file=sys.stderr)
        return 1
    some = next(iter(found.values()))[0]
    runs = repetitions(found, ports)
    context = {"date": datetime.datetime.now().astimezone().isoformat("T", "seconds"), "cpu": report.cpu_model(), "tsc_hz": str(some["tsc_hz"]), "compiler": some["compiler"]}
    options.out.write_text(json.dumps({"context": context, "benchmarks": runs}, indent=1) + "\n")
    print(f"{context['cpu']}, TSC {some['tsc_hz'] / 1e9:.2f} GHz, load {os.getloadavg()[0]:.1f}, compiler {some['compiler']}, {some['dpdk']}")
    print(f"per packet and worker, medians of {options.rounds} rounds of {options.milliseconds} ms")
    show(runs, ports)
    return 0


if __name__ == "__main__":
    sys.exit(main())
