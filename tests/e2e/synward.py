"""synward as a process under test: started with a config, ready when its control socket answers, stopped with SIGTERM."""

import json
import os
import pathlib
import signal
import subprocess

from namespaces import RUN_SECONDS, LabError, Namespace, wait_until

# DPDK without huge pages, PCI devices or files shared with other DPDK processes of the machine.
NO_HUGE_PAGES = ("--no-huge", "--no-pci")
START_SECONDS = 30.0  # with sanitizers, on a busy machine

# The config of one that has nothing to do.
IDLE = """
[workers]
lcores = "1"
[[port]]
name = "outside"
device = "net_null0,no-rx=1"
[[service]]
name = "four"
address = "198.18.0.10"
port = 443
"""


def binary() -> str:
    """The program under test: $SYNWARD, which meson sets to that of its own build tree, or the release build's."""
    built = pathlib.Path(__file__).resolve().parents[2] / "build" / "release" / "synward"
    return os.environ.get("SYNWARD", str(built))


class Synward:
    """`config` is TOML without the [control] socket, which lies in `folder`, as does the log."""

    def __init__(
        self,
        namespace: Namespace,
        folder: pathlib.Path,
        config: str,
        eal: tuple[str, ...] = NO_HUGE_PAGES,
        isa: str = "auto",
        name: str = "synward",
        wrapper: tuple[str, ...] = (),  # words before the program's own
    ):
        self.namespace = namespace
        self.config, self.socket, self.log = (folder / f"{name}.{kind}" for kind in ("toml", "sock", "log"))
        text = config if "[control]\n" in config else f"{config}\n[control]\n"
        self.config.write_text(text.replace("[control]\n", f'[control]\nsocket = "{self.socket}"\n'))
        self._eal, self._wrapper = eal, wrapper
        self._isa = () if isa == "auto" else ("--isa", isa)

    def __enter__(self) -> "Synward":
        words = (*self._wrapper, binary(), "run", "-c", str(self.config), *self._isa, "--", *self._eal)
        with open(self.log, "w") as log:
            self.process = self.namespace.start(*words, stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_until(self._serves, "synward's control socket", START_SECONDS, self.log)
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

    def _ask(self) -> subprocess.CompletedProcess:
        words = [binary(), "stats", "--json", "--socket", str(self.socket)]
        return subprocess.run(words, capture_output=True, text=True, timeout=RUN_SECONDS)

    def _serves(self) -> bool:
        if self.process.poll() is not None:
            raise LabError(f"synward stopped, exit code {self.process.returncode}: {self.log.read_text()}")
        return self.socket.exists() and self._ask().returncode == 0

    def stats(self) -> dict:
        """The counters, now."""
        answer = self._ask()
        if answer.returncode != 0:
            raise LabError(f"synward stats: {answer.stderr.strip()}; log: {self.log.read_text()}")
        return json.loads(answer.stdout)

    def resident_kib(self) -> int:
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))

    def stop(self) -> str:
        """Ends synward as a person would, and returns all that it printed, the summary last. It must exit with 0."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(RUN_SECONDS)
        text = self.log.read_text()
        assert code == 0, f"synward exited with {code}: {text}"
        return text
