"""What one end-to-end test builds: namespaces, captures, and synward itself.

Everything is named synward-<pid of the test run>-<name>, so that runs do not meet, and leftovers of a killed run are
known by a pid that is gone. Addresses come from the ranges for benchmarks (198.18.0.0/15, 2001:2::/48).
"""

import contextlib
import os
import pathlib
import time

from capture import Capture
from frames import Frames
from impairment import Impairment
from namespaces import PREFIX, Namespace, wire
from synward import NO_HUGE_PAGES, Synward


class Lab:
    """What one test builds, and takes down again whatever happens: use it as a context manager."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder  # for configs, sockets, logs and captures
        self._open = contextlib.ExitStack()

    def __enter__(self) -> "Lab":
        return self

    def __exit__(self, *exception: object) -> None:
        self._open.close()

    def namespace(self, name: str) -> Namespace:
        made = Namespace(f"{PREFIX}-{os.getpid()}-{name}")
        self._open.callback(made.close)
        return made

    def capture(self, namespace: Namespace, interface: str) -> Capture:
        """Records from now on what crosses `interface`."""
        path = self.folder / f"{namespace.name}-{interface}-{time.monotonic_ns()}.pcap"
        return self._open.enter_context(Capture(namespace, interface, path))

    def frames(self, namespace: Namespace, interface: str) -> Frames:
        """A hand on the wire: frames of one's own making go out, and all that come in can be looked at."""
        return self._open.enter_context(contextlib.closing(Frames(namespace, interface)))

    def impaired_wire(
        self, one: Namespace, interface: str, other: Namespace, far_interface: str, *options: str, mtu: int = 1500
    ) -> Impairment:
        """A cable like namespaces.wire(), but with faults; `one` is at its end A. See impairment.py, tests/impair."""
        device = self.namespace(f"impair-{interface}")
        wire(one, interface, device, "end_a", mtu)
        wire(device, "end_b", other, far_interface, mtu)
        device.lend("end_a")
        device.lend("end_b")
        return self._open.enter_context(Impairment(device, self.folder, "end_a", "end_b", *options))

    def synward(
        self, namespace: Namespace, config: str, eal: tuple[str, ...] = NO_HUGE_PAGES, isa: str = "auto", name: str = "synward"
    ) -> Synward:
        """Starts synward inside and waits until it serves; see synward.py. `name` is that of its files."""
        return self._open.enter_context(Synward(namespace, self.folder, config, eal, isa, name))
