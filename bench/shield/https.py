"""The anatomy of an HTTPS request by curl: TLS 1.3, to an nginx without synward and behind it.

usage: ./dev bench https
"""

import statistics

import report
import wires
from shield import HTTPS, SERVERS, Web, config, host
from wires import Place

STEPS = {"time_namelookup": "name", "time_connect": "TCP", "time_appconnect": "TLS 1.3", "time_starttransfer": "first byte", "time_total": "all of it"}
FORM = " ".join(f"%{{{step}}}" for step in STEPS) + "\n"
RUNS, ROUNDS = 20, 3  # so many runs in a round, direct and through synward in turn


def request(place: Place, web: Web, address: str) -> list[tuple[float, ...]]:
    """Milliseconds since the start to each step: of the first request, and of one on the same connection."""
    url = f"https://{host(address)}/"
    words = ["curl", "-s", "-S", "--fail", "-m", "5", "--tlsv1.3", "--cacert", web.certificate, "-w", FORM]
    said = place.client.run(*words, "-o", "/dev/null", url, "-o", "/dev/null", url)
    return [tuple(1000 * float(word) for word in line.split()) for line in said.splitlines()]


def compare(delay_ms: int) -> None:
    """With a delay each way between client and synward, if any."""
    seen: dict[tuple[str, str], list[list[tuple[float, ...]]]] = {}
    with wires.laboratory() as lab:
        place = Place(lab, front=(f"--delay={delay_ms}",) if delay_ms else ())
        web = Web(place.server, lab.folder / "web")

        def ask(how: str) -> None:
            for address in SERVERS:
                request(place, web, address)
                seen.setdefault((how, address), []).extend(request(place, web, address) for _ in range(RUNS))

        for _ in range(ROUNDS):
            with place.bridge():
                ask("direct")
            with place.synward(config(ports=(HTTPS,)), teach=(HTTPS,)):
                ask("synward")
    rows = []
    for (how, address), runs in sorted(seen.items(), key=lambda item: (":" in item[0][1], item[0])):
        for number, which in enumerate(("first", "second")):
            medians = [statistics.median(run[number][step] for run in runs) for step in range(len(STEPS))]
            rows.append([f"{'IPv6' if ':' in address else 'IPv4'}, {which} request, {how}"] + [f"{value:.2f}" for value in medians])
    print(f"\nround trip {2 * delay_ms} ms: medians of {RUNS * ROUNDS} runs, ms since the start of the request")
    report.print_table(["", *STEPS.values()], rows)


def main() -> None:
    for delay_ms in (0, 50):
        compare(delay_ms)


if __name__ == "__main__":
    main()
