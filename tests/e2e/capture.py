"""Records frames with tcpdump, and lets tshark judge them."""

import pathlib
import signal
import subprocess
import time

from namespaces import LabError, Namespace, wait_until

# By default Wireshark trusts checksums, because captures on a sending host are taken before a NIC fills them in.
_CHECKS = ("ip.check_checksum", "tcp.check_checksum", "udp.check_checksum")
_BAD = " || ".join(
    ["_ws.malformed", '_ws.expert.severity == "Error"']
    # tshark takes a broken TCP option list for a mere note.
    + ['_ws.expert.message matches "option length|length byte past end|shift exceeds 14"']
    + [f'{layer}.checksum.status == "Bad"' for layer in ("ip", "tcp", "udp", "icmp", "icmpv6")]
)
_HEADER_BYTES = 24  # of a pcap file
_BUFFER_KIB = 32 << 10  # so that nothing is lost, however late tcpdump is
_QUIET_SECONDS = 0.2  # without a new frame, before a capture counts as complete


def read(path: pathlib.Path, display_filter: str = "") -> list[str]:
    """One line for each frame of a capture file that passes Wireshark's display filter, as tshark sums it up."""
    words = ["tshark", "-n", "-r", str(path)]
    for check in _CHECKS:
        words += ["-o", f"{check}:TRUE"]
    if display_filter:
        words += ["-Y", display_filter]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise LabError(f"tshark cannot read {path}: {done.stderr.strip()}")
    return done.stdout.splitlines()


def assert_clean(path: pathlib.Path, unwanted: str = "") -> None:
    """No malformed frame, no bad checksum, no error in tshark's expert view, nothing that passes the filter `unwanted`."""
    assert path.stat().st_size > _HEADER_BYTES, f"{path} holds no frame, which proves nothing"
    bad = read(path, f"{_BAD} || ({unwanted})" if unwanted else _BAD)
    assert not bad, "tshark objects to:\n" + "\n".join(bad)


class Capture:
    """Everything that crosses an interface from the time the context is entered until stop()."""

    def __init__(self, namespace: Namespace, interface: str, path: pathlib.Path):
        self.path = path
        self._namespace, self._interface = namespace, interface

    def __enter__(self) -> "Capture":
        words = ["tcpdump", "-i", self._interface, "-U", "-s", "0", "-Z", "root", "--immediate-mode"]
        words += ["-B", str(_BUFFER_KIB), "-w", str(self.path)]
        self._log = self.path.with_suffix(".log")
        with open(self._log, "w") as log:
            self._tcpdump = self._namespace.start(*words, stdout=log, stderr=log)
        wait_until(self._listens, f"tcpdump on {self._interface}", log=self._log)
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _listens(self) -> bool:
        return "listening on" in self._log.read_text()

    def stop(self) -> None:
        """Waits until no frame comes any more, for two seconds at most, and closes the file."""
        if self._tcpdump.poll() is not None:
            return
        size, deadline = -1, time.monotonic() + 2
        while size != (size := self.path.stat().st_size) and time.monotonic() < deadline:
            time.sleep(_QUIET_SECONDS)
        self._tcpdump.send_signal(signal.SIGINT)
        self._tcpdump.wait(10)
        if "\n0 packets dropped by kernel" not in (text := self._log.read_text()):
            raise LabError(f"tcpdump did not record everything: {text}")

    def frames(self, display_filter: str = "") -> list[str]:
        self.stop()
        return read(self.path, display_filter)

    def assert_clean(self, unwanted: str = "") -> None:
        self.stop()
        assert_clean(self.path, unwanted)
