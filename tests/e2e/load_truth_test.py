"""synward-load tells the truth: what its report shows is what a server of known faults did to its clients."""

import json
import pathlib
import signal
import socket
import subprocess
import time

import pytest

import namespaces
from lab import Lab
from namespaces import LabError
from responder import PORT, Responder
from synward import NO_HUGE_PAGES, binary

pytestmark = pytest.mark.alone

LOAD = str(pathlib.Path(binary()).with_name("synward-load"))
TARGETS = ["198.18.0.10:443", "[2001:2::10]:443"]
DEVICE = "net_af_packet0,iface=near,framecnt=4096"
OUTCOMES = ("succeeded", "no_syn_ack", "bad_syn_ack", "reset", "no_data", "wrong_data", "no_tuple", "under_way")
# What a client asks, and what it then must hear.
ASKING = ("--request", "question", "--expect", "answer")
RATE = 100  # clients a second, unless a test says otherwise


class Trial:
    """synward-load at one end of a wire, the responder at the other; no kernel says anything on it."""

    def __init__(self, lab: Lab):
        self.lab = lab
        self.client, self.server = lab.namespace("load"), lab.namespace("responder")
        namespaces.wire(self.client, "near", self.server, "far")
        self.client.lend("near")
        self.server.lend("far")
        self.json = lab.folder / "report.json"

    def words(self, *options: str) -> list[str]:
        return [LOAD, "--device", DEVICE, "--json", str(self.json), *options, "--", *NO_HUGE_PAGES]

    def run(self, *options: str, faults: tuple[str, ...] = (), code: int = 0) -> tuple[dict, dict]:
        """One phase of 2 s without a flood, unless `options` say otherwise, and clients at equal distances. Returns what
        synward-load reports and what the responder did."""
        usual = {"--target": TARGETS[0], "--clients": str(RATE), "--arrivals": "constant", "--baseline": "2", "--duration": "0", "--recovery": "0"}
        for option, value in usual.items():
            if option not in options:
                options = (option, value, *options)
        responder = Responder(self.server, "far", *faults)
        process = self.client.start(*self.words(*options), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.said, _ = process.communicate(timeout=50)
        did = responder.stop()
        assert process.returncode == code, self.said
        assert did["bad_checksums"] == 0
        return json.loads(self.json.read_text()), did


@pytest.fixture
def trial(lab: Lab) -> Trial:
    return Trial(lab)


def outcomes(phase: dict) -> dict[str, int]:
    """Those that happened."""
    assert set(phase["outcomes"]) == set(OUTCOMES)
    return {label: count for label, count in phase["outcomes"].items() if count}


def test_the_witness_is_a_server_for_linux(lab: Lab) -> None:
    client, server = lab.namespace("client"), lab.namespace("responder")
    namespaces.wire(client, "near", server, "far")
    client.configure("near", "198.18.0.1/24", "2001:2::1/64")
    server.lend("far")
    responder = Responder(server, "far", "--delay-ms", "20")
    for address in ("198.18.0.10", "2001:2::10"):
        with client.entered():
            begin = time.monotonic()
            connection = socket.create_connection((address, PORT), timeout=5)
        assert time.monotonic() - begin >= 0.02
        with connection:
            connection.sendall(b"question")
            assert connection.recv(100) == b"answer"
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(100) == b""
    did = responder.stop()
    assert did["connections"] == did["answers"] == did["closed"] == 2 and did["bad_checksums"] == 0


@pytest.mark.parametrize("target", TARGETS)
def test_where_nothing_is_wrong_nothing_is_told(trial: Trial, target: str) -> None:
    report, did = trial.run("--target", target, *ASKING)
    baseline = report["phases"]["baseline"]
    assert outcomes(baseline) == {"succeeded": 2 * RATE}
    assert (did["connections"], did["answers"], did["closed"], did["others"]) == (2 * RATE, 2 * RATE, 2 * RATE, 0)
    assert baseline["success_percent"] == 100 and baseline["unclosed"] == 0
    assert baseline["syn_ack_us"]["count"] == baseline["first_byte_us"]["count"] == 2 * RATE
    assert 0 < baseline["syn_ack_us"]["p50"] <= baseline["first_byte_us"]["p50"] < 500_000
    # SYN, ACK, request, ACK of the answer, FIN, ACK of the FIN; and what resolves the target.
    assert baseline["wire"]["sent"] >= 6 * 2 * RATE
    assert (report["interrupted"], report["passed"]) == (False, True)


def test_two_targets_have_the_clients_in_turn(trial: Trial) -> None:
    report, did = trial.run("--target", TARGETS[0], TARGETS[1], *ASKING)
    assert outcomes(report["phases"]["baseline"]) == {"succeeded": 2 * RATE}
    assert did["answers"] == 2 * RATE


@pytest.mark.parametrize("target", TARGETS)
def test_every_tenth_syn_that_is_lost_shows(trial: Trial, target: str) -> None:
    report, did = trial.run("--target", target, faults=("--drop-every", "10"))
    baseline = report["phases"]["baseline"]
    assert did["dropped"] == did["syns"] // 10 and did["first_dropped"] > 0
    assert outcomes(baseline) == {"succeeded": 2 * RATE}, "each came again"
    again = 2 * RATE - round(baseline["first_syn_success_percent"] * 2 * RATE / 100)
    # A machine that stands still for a second makes clients repeat themselves, too.
    assert did["first_dropped"] <= again <= did["syns"] - 2 * RATE
    assert baseline["syn_ack_us"]["max"] >= 1_000_000
    share = did["first_dropped"] / (2 * RATE)
    assert 0.05 <= share <= 0.12, "about a tenth: those that come again are counted, too"
    assert baseline["syn_ack_us"]["p90"] < 1_000_000 or share > 0.1


def test_who_is_never_answered_gives_up(trial: Trial) -> None:
    report, did = trial.run("--patience", "3.5", faults=("--drop-every", "1"))
    assert outcomes(report["phases"]["baseline"]) == {"no_syn_ack": 2 * RATE}
    assert did["syns"] == did["dropped"] == 3 * 2 * RATE, "SYNs after 0, 1 and 3 s"
    assert report["phases"]["baseline"]["syn_ack_us"]["count"] == 0


@pytest.mark.parametrize("delay_ms", [5, 60, 300])
def test_a_delay_is_what_it_is(trial: Trial, delay_ms: int) -> None:
    report, did = trial.run(faults=("--delay-ms", str(delay_ms)))
    baseline = report["phases"]["baseline"]
    assert outcomes(baseline) == {"succeeded": 2 * RATE}
    late = baseline["generator_late_us"]["max"]
    least = 1000 * delay_ms  # of each: its SYN-ACK does not leave before
    assert least <= baseline["syn_ack_us"]["p50"] < least + 20_000 + late
    assert min(second["syn_ack_p50_us"] for second in report["seconds"] if second["clients"]) >= least


def test_wrong_acknowledgments_connect_nobody(trial: Trial) -> None:
    report, did = trial.run("--patience", "1.5", "--assert", "baseline.bad_syn_ack==0", faults=("--wrong-ack",), code=1)
    assert outcomes(report["phases"]["baseline"]) == {"bad_syn_ack": 2 * RATE}
    assert did["wrong_acks"] == did["syns"] >= 2 * 2 * RATE and did["answers"] == 0
    assert report["phases"]["baseline"]["success_percent"] == 0


FAULTS = {"--reset-every": ("resets", "reset"), "--mute-every": ("muted", "no_data"), "--wrong-answer-every": ("wrong_answers", "wrong_data")}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fourth_connection_that_fails_shows_how(trial: Trial, fault: str) -> None:
    report, did = trial.run("--patience", "2", *ASKING, faults=(fault, "4"))
    done, outcome = FAULTS[fault]
    assert did[done] == 2 * RATE // 4
    assert outcomes(report["phases"]["baseline"]) == {"succeeded": 2 * RATE * 3 // 4, outcome: 2 * RATE // 4}
    assert report["phases"]["baseline"]["success_percent"] == 75


def test_a_server_that_stands_still_hides_nothing(trial: Trial) -> None:
    """Trap 36: clients come on while it does, and each of them waits for what is left of the second."""
    report, did = trial.run("--baseline", "3", "--clients", "200", faults=("--stall", "1", "1"))
    baseline = report["phases"]["baseline"]
    assert outcomes(baseline) == {"succeeded": 600}
    waited = baseline["syn_ack_us"]
    # A third of all waited, evenly from a whole second down to nothing: nine tenths of all at most 0.7 s.
    assert 950_000 <= waited["max"] < 1_500_000
    assert 600_000 <= waited["p90"] < 900_000
    assert waited["p50"] < 300_000
    by_second = [second["syn_ack_p50_us"] for second in report["seconds"][:3]]  # a late sample makes it a client more or less
    assert max(by_second) == by_second[1] >= 400_000


@pytest.mark.parametrize("target", TARGETS)
def test_a_flood_is_counted_on_both_ends(trial: Trial, target: str) -> None:
    report, did = trial.run("--target", target, "--flood", "2000", "--baseline", "1", "--duration", "2", "--recovery", "1", "--clients", "50", *ASKING)
    wires = [report["phases"][phase]["wire"] for phase in ("baseline", "attack", "recovery")]
    attack = report["phases"]["attack"]
    assert wires[1]["attack_due"] == 4000 and wires[0]["attack_sent"] == wires[2]["attack_sent"] == 0
    assert did["flood_syns"] == did["flood_segments"] == wires[1]["syns_sent"] == wires[1]["attack_sent"] >= 3900
    assert sum(wire["syn_acks"] for wire in wires) == did["flood_syn_acks"] == did["flood_syns"]
    assert sum(wire["wrong_syn_acks"] + wire["resets"] + wire["others"] for wire in wires) == 0
    assert attack["syn_acks_per_syn"] == 1
    assert did["flood_sources"] > 3000 and did["flood_ports"] > 3000 and did["flood_isns"] > 3900 and did["flood_option_lengths"] == 3
    for phase, clients in (("baseline", 50), ("attack", 100), ("recovery", 50)):
        assert outcomes(report["phases"][phase]) == {"succeeded": clients}
    assert [second["phase"] for second in report["seconds"]][:4] == ["baseline", "attack", "attack", "recovery"]


def test_a_mixed_attack_is_intact_and_its_syns_are_told_apart(trial: Trial) -> None:
    report, did = trial.run("--flood", "3000", "--attack", "mixed", "--baseline", "1", "--duration", "2", "--clients", "20")
    wire = report["phases"]["attack"]["wire"]
    assert did["flood_syns"] == wire["syns_sent"] and wire["syns_sent"] / wire["attack_sent"] == pytest.approx(2 / 7, abs=0.05)
    assert did["flood_segments"] <= wire["attack_sent"] - 0.1 * wire["attack_sent"], "replays come from clients' addresses"


def test_wrong_syn_acks_to_the_flood_are_told_apart(trial: Trial) -> None:
    report, did = trial.run("--flood", "500", "--attack", "odd-syn", "--baseline", "0", "--duration", "1", "--recovery", "0.5", "--clients", "0", faults=("--wrong-ack",))
    wires = [report["phases"][phase]["wire"] for phase in ("attack", "recovery")]
    assert sum(wire["wrong_syn_acks"] for wire in wires) == did["flood_syn_acks"] > 400
    assert wires[0]["syn_acks"] == 0 and report["phases"]["attack"]["syn_acks_per_syn"] == 0
    assert report["phases"]["attack"]["clients"] == 0 and report["phases"]["attack"]["success_percent"] == 0


def test_assertions_set_the_exit_code(trial: Trial) -> None:
    report, _ = trial.run("--assert", "success==100", "--assert", "p50<1s")
    assert [one["holds"] for one in report["assertions"]] == [True, True] and report["passed"]
    report, _ = trial.run("--assert", "success==100", "--assert", "recovery.p50<1s", code=1)
    assert [one["holds"] for one in report["assertions"]] == [True, False] and not report["passed"]
    assert "DOES NOT HOLD: recovery.p50<1s (there was no such phase in the recovery)" in trial.said


def test_the_picture_is_written(trial: Trial) -> None:
    picture = trial.lab.folder / "trial.svg"
    trial.run("--plot", str(picture))
    assert picture.read_text().startswith("<svg") and picture.read_text().endswith("</svg>\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_stops_it_at_once(trial: Trial, number: signal.Signals) -> None:
    responder = Responder(trial.server, "far")
    words = trial.words("--target", TARGETS[0], "--flood", "5000", "--clients", str(RATE), "--baseline", "0", "--duration", "30")
    process = trial.client.start(*words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in process.stdout:
        if " 1.0 s  attack" in line:
            break
    capture = trial.lab.capture(trial.server, "far")
    time.sleep(0.3)
    asked = time.time()
    process.send_signal(number)
    said, _ = process.communicate(timeout=10)
    responder.stop()
    assert process.returncode == 130
    capture.stop()
    theirs = trial.client.run("cat", "/sys/class/net/near/address").strip()
    words = ["tshark", "-r", str(capture.path), "-Y", f"eth.src == {theirs}", "-T", "fields", "-e", "frame.time_epoch"]
    sent = [float(line) for line in subprocess.run(words, capture_output=True, text=True, timeout=30).stdout.split()]
    assert sent and max(sent) > asked - 0.1, "it was sending until then"
    assert max(sent) - asked < 0.1
    report = json.loads(trial.json.read_text())
    assert report["interrupted"] and report["phases"]["attack"]["seconds"] < 10
    assert "It was interrupted" in said and "SYN-ACK p50" in said


def test_the_port_of_the_default_route_is_refused(trial: Trial) -> None:
    trial.client.run("ip", "route", "add", "default", "dev", "near")
    with pytest.raises(LabError, match="exit code 1: synward-load: this machine's default route goes by near: no load leaves there"):
        trial.client.run(*trial.words("--target", TARGETS[0], "--flood", "1"))


def test_a_target_that_nobody_has_is_told(trial: Trial) -> None:
    with pytest.raises(LabError, match="exit code 1: .*nobody on the port's link has 198.18.0.10"):
        trial.client.run(*trial.words("--target", TARGETS[0], "--flood", "1"))


def test_a_port_that_there_is_not_is_told(trial: Trial) -> None:
    words = [LOAD, "--device", "net_af_packet0,iface=nowhere", "--target", TARGETS[0], "--flood", "1", "--", *NO_HUGE_PAGES]
    with pytest.raises(LabError, match="exit code 1: .*synward-load: .*nowhere"):
        trial.client.run(*words)
