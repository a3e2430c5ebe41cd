"""A download over 300 ms of round-trip time, with each congestion control of the server, without synward and behind it.

usage: ./dev bench long_rtt
"""

import re
import statistics
import threading

import report
import wires
from shield import CLIENT4, HTTP, SERVER4, Web, config
from wires import Place

RTT_MS, OCTETS, ROUNDS = 300, 30_000_000, 3
WINDOW = 32_000_000  # octets that the server may have under way


class InFlight:
    """How much the server has under way at the most, looked at every 50 ms."""

    def __init__(self, place: Place):
        self.most = 0
        self._place, self._over = place, threading.Event()
        self._looking = threading.Thread(target=self._look)

    def __enter__(self) -> "InFlight":
        self._looking.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._looking.join()

    def _look(self) -> None:
        while not self._over.wait(0.05):
            said = self._place.server.run("ss", "-Htino", "sport", "=", f":{HTTP}", check=False)
            for segments, mss in ((re.search(r"unacked:(\d+)", line), re.search(r" mss:(\d+)", line)) for line in said.splitlines()):
                if segments and mss:
                    self.most = max(self.most, int(segments[1]) * int(mss[1]))


def retransmitted(place: Place) -> int:
    return int(place.server.run("nstat", "-asz", "TcpRetransSegs").split("TcpRetransSegs")[1].split()[0])


def download(place: Place, control: str) -> tuple[float, float, int]:
    """Seconds, MB in flight, segments sent again."""
    # By the route: the namespace's own setting takes only what the machine allows to everybody.
    place.server.run("ip", "route", "replace", CLIENT4, "dev", "back", "congctl", control)
    before = retransmitted(place)
    with InFlight(place) as in_flight:
        words = ["curl", "-s", "-S", "--fail", "-m", "100", "-o", "/dev/null", "-w", "%{size_download} %{time_total}"]
        octets, seconds = place.client.run(*words, f"http://{SERVER4}/big", seconds=110).split()
    assert int(octets) == OCTETS
    return float(seconds), in_flight.most / 1e6, retransmitted(place) - before


def main() -> None:
    with wires.laboratory() as lab:
        place = Place(lab, front=(f"--delay={RTT_MS / 2}", "--queue=100000"))
        place.server.sysctl("net.ipv4.tcp_no_metrics_save", 1)
        place.server.sysctl("net.ipv4.tcp_wmem", f"4096 16384 {WINDOW}")
        place.client.sysctl("net.ipv4.tcp_rmem", f"4096 131072 {WINDOW}")
        Web(place.server, lab.folder / "web").folder.joinpath("big").write_bytes(bytes(OCTETS))
        has = place.server.run("sysctl", "-n", "net.ipv4.tcp_available_congestion_control").split()
        controls = [control for control in ("cubic", "bbr") if control in has]
        seen: dict[tuple[str, str], list[tuple[float, float, int]]] = {}
        for _ in range(ROUNDS):
            with place.bridge():
                for control in controls:
                    seen.setdefault((control, "direct"), []).append(download(place, control))
            with place.synward(config(ports=(HTTP,)), teach=(HTTP,)):
                for control in controls:
                    seen.setdefault((control, "synward"), []).append(download(place, control))
    print(f"{OCTETS / 1e6:.0f} MB over a round trip of {RTT_MS} ms, medians of {ROUNDS} downloads")
    rows = []
    for (control, how), downloads in sorted(seen.items(), key=lambda item: item[0][0], reverse=True):
        seconds, in_flight, again = (statistics.median(column) for column in zip(*downloads))
        rows.append([f"{control}, {how}", f"{seconds:.2f}", f"{in_flight:.1f}", f"{again:,.0f}"])
    report.print_table(["", "s", "MB in flight at most", "segments sent again"], rows)


if __name__ == "__main__":
    main()
