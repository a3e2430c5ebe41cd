"""What the measurements of inline mode share: the laboratory of tests/e2e, which `./dev bench` puts on Python's path, and
what stands in synward's place in it.

Two cores, or more: synward's worker has the last for itself, the flood stays on the first, all others run where they like.
"""

import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import namespaces
import shield
from lab import Lab
from namespaces import Namespace
from synward import NO_HUGE_PAGES, Synward, binary

LOAD = str(pathlib.Path(binary()).with_name("synward-load"))
CPUS = sorted(os.sched_getaffinity(0))
PINNED = (*NO_HUGE_PAGES, "--lcores", f"0@{CPUS[0]},1@{CPUS[-1]}", "--main-lcore", "0")


@contextlib.contextmanager
def laboratory() -> Iterator[Lab]:
    """Nothing is left of it; nor of those that were killed."""
    if os.geteuid() != 0:
        sys.exit("this makes network namespaces: run it as root")
    namespaces.remove_leftovers()
    with tempfile.TemporaryDirectory(prefix="synward-bench-") as folder, Lab(pathlib.Path(folder)) as lab:
        yield lab


class Place:
    """The middle of a cable: either the kernel's bridge, with or without a filter, or synward joins its two ends."""

    def __init__(self, lab: Lab, front: tuple[str, ...] = ()):
        self._lab = lab
        self.client, self.middle, self.server = shield.cabled(lab, front=front)

    @contextlib.contextmanager
    def bridge(self, filters: bool = False) -> Iterator[None]:
        """A plain wire; with `filters` an ideal one, which knows who the client is and lets nobody else in."""
        run = self.middle.run
        run("ip", "link", "add", "name", "bridge", "type", "bridge", "mcast_snooping", "0")
        self.middle.sysctl("net.ipv6.conf.bridge.disable_ipv6", 1)
        for end in ("outside", "inside"):
            run("ip", "link", "set", end, "master", "bridge")
        run("ip", "link", "set", "bridge", "arp", "off", "up")
        if filters:
            known = f"ip saddr {shield.CLIENT4} accept; ip6 saddr {shield.CLIENT6} accept; ip6 saddr fe80::/10 accept; ether type arp accept;"
            chain = f"chain known {{ type filter hook ingress device outside priority 0; policy drop; {known} }}"
            run("nft", "-f", "-", stdin=f"table netdev ideal {{ {chain}; }}\n".encode())
        try:
            yield
        finally:
            if filters:
                run("nft", "delete", "table", "netdev", "ideal")
            run("ip", "link", "delete", "bridge")

    @contextlib.contextmanager
    def synward(self, text: str, teach: tuple[int, ...]) -> Iterator[shield.Shield]:
        """It has learned what the servers of the ports in `teach` offer."""
        with Synward(self.middle, self._lab.folder, text, PINNED) as process:
            path = shield.Shield(self.client, self.server, self.middle, process)
            for port in teach:
                for address in shield.SERVERS:
                    with path.connect(address, port) as client:
                        shield.reset(client)
            yield path
            process.stop()


def load(namespace: Namespace, *words: str, seconds: float) -> dict:
    """What synward-load says at its end; clients that failed are no error."""
    said = namespace.run(LOAD, *words, "--json", "--seconds", str(seconds), seconds=seconds + 30, check=False)
    return json.loads(said.splitlines()[-1])


def start_load(namespace: Namespace, *words: str, seconds: float) -> subprocess.Popen:
    """On the first core."""
    pinned = ["taskset", "-c", str(CPUS[0]), LOAD, *words, "--json", "--seconds", str(seconds)]
    return namespace.start(*pinned, stdout=subprocess.PIPE, text=True)


def median_and_p99(values: list[float]) -> tuple[float, float]:
    return statistics.median(values), sorted(values)[min(len(values) - 1, int(0.99 * len(values)))]
