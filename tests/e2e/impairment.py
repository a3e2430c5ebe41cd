"""The cable with faults (tests/impair) between two interfaces: kernels without netem have nothing like it."""

import json
import os
import pathlib
import signal
import subprocess

from namespaces import RUN_SECONDS, LabError, Namespace, wait_until


def binary() -> str:
    """The program: $IMPAIR, which meson sets to that of its own build tree, or the release build's."""
    built = pathlib.Path(__file__).resolve().parents[2] / "build" / "release" / "tests" / "impair" / "impair"
    return os.environ.get("IMPAIR", str(built))


class Impairment:
    """Bridges `one`, its end A, and `other`, its end B: two interfaces that were lent to it. Use it as a context manager."""

    def __init__(self, namespace: Namespace, folder: pathlib.Path, one: str, other: str, *options: str):
        self.namespace = namespace
        self.log = folder / f"impair-{namespace.name}-{one}.log"
        self._words = [binary(), one, other, *options]

    def __enter__(self) -> "Impairment":
        with open(self.log, "w") as log:
            self.process = self.namespace.start(*self._words, stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_until(self._bridges, "the impairment device", log=self.log)
        except BaseException:
            self._kill()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._kill()

    def _kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(RUN_SECONDS)

    def _bridges(self) -> bool:
        if self.process.poll() is not None:
            raise LabError(f"impair stopped, exit code {self.process.returncode}: {self.log.read_text()}")
        return self.log.read_text().startswith("ready\n")

    def stop(self) -> dict[str, dict[str, int]]:
        """Ends it and returns its counts for "ab" and "ba", which account for every frame; `impair --help` names them."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(RUN_SECONDS)
        text = self.log.read_text()
        assert code == 0, f"impair exited with {code}: {text}"
        counts = json.loads(text.splitlines()[-1])
        for way in counts.values():
            gone = sum(way[what] for what in ("passed", "lost", "dropped", "overflowed", "refused", "left"))
            assert way["received"] + way["duplicated"] == gone, counts
        return counts
