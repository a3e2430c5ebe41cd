"""synward-load tells the truth: what its report shows is what a server of known faults did to its clients."""

import json
import pathlib
import signal
import socket
import subprocess
import threading
import time

import pytest
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptSrcLLAddr, IPv6
from scapy.layers.l2 import ARP, Ether

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
ADDRESS = "198.18.0.10"
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
        usual = {"--target": TARGETS[0], "--clients": str(RATE), "--arrivals": "constant"}
        usual |= {"--baseline": "2", "--duration": "0", "--recovery": "0"}
        for option, value in usual.items():
            if option not in options:
                options = (option, value, *options)
        responder = Responder(self.server, "far", *faults)
        process = self.client.start(*self.words(*options), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.said, _ = process.communicate(timeout=50)
        did = responder.stop()
        assert process.returncode == code, self.said
        report = json.loads(self.json.read_text())
        assert did["lost"] == did["bad_checksums"] == did["strangers"] == 0, did
        # Frame by frame, but for those that asked for the target before it began; none is left over but what came too late.
        assert sum(second["sent"] for second in report["seconds"]) == did["frames_in"] - did["asked"]
        assert sum(second["received"] for second in report["seconds"]) <= did["frames_out"] - did["asked"]
        return report, did


@pytest.fixture
def trial(lab: Lab) -> Trial:
    return Trial(lab)


def outcomes(phase: dict) -> dict[str, int]:
    """Those that happened."""
    assert set(phase["outcomes"]) == set(OUTCOMES)
    return {label: count for label, count in phase["outcomes"].items() if count}


def repeated(phase: dict) -> int:
    """Clients that did not succeed with their first SYN."""
    return round((100 - phase["first_syn_success_percent"]) * phase["clients"] / 100)


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
    assert did["connections"] == did["answers"] == did["closed"] == 2 and did["bad_checksums"] == did["lost"] == 0
    assert did["requests"] == {"question": 2} and did["asked"] >= 2


def test_the_witness_sees_what_linux_does_about_its_faults(lab: Lab) -> None:
    """So that what is counted against synward-load is what a good client would do."""
    client, server = lab.namespace("client"), lab.namespace("responder")
    namespaces.wire(client, "near", server, "far")
    client.configure("near", "198.18.64.1/15")
    server.lend("far")

    def connect(*faults: str) -> tuple[float, bytes, dict]:
        """How long it took, what it heard, and what the witness says."""
        responder = Responder(server, "far", *faults)
        with client.entered():
            begin = time.monotonic()
            connection = socket.create_connection((ADDRESS, PORT), timeout=10)
        seconds = time.monotonic() - begin
        with connection:
            connection.settimeout(0.5)
            connection.sendall(b"question")
            try:
                heard = connection.recv(100)
            except TimeoutError:
                heard = b"nothing"
            except ConnectionResetError:
                heard = b"reset"
        return seconds, heard, responder.stop()

    responder = Responder(server, "far", "--reset-every", "1")
    with client.entered(), pytest.raises(ConnectionRefusedError):
        socket.create_connection((ADDRESS, PORT), timeout=10)
    assert responder.stop()["resets"] == 1
    _, heard, did = connect("--mute-every", "1")
    assert (heard, did["muted"], did["requests"]) == (b"nothing", 1, {"question": 1})
    _, heard, did = connect("--hang-up-every", "1")
    assert (heard, did["hung_up"]) == (b"reset", 1)
    _, heard, did = connect("--wrong-answer-every", "1")
    assert (heard, did["wrong_answers"]) == (b"wrong", 1)
    # A fault of the first answer: all is well when the SYN comes again, which Linux sends at once if it was refused, else after a second.
    faults = {"--drop-every": ("dropped", 0.9), "--wrong-ack-every": ("wrong_acks", 0), "--corrupt-every": ("corrupted", 0.9)}
    for fault, (count, least) in faults.items():
        responder = Responder(server, "far", fault, "2")
        with client.entered():
            socket.create_connection((ADDRESS, PORT), timeout=10).close()
            begin = time.monotonic()
            socket.create_connection((ADDRESS, PORT), timeout=10).close()
        assert time.monotonic() - begin >= least
        did = responder.stop()
        assert (did["syns"], did["connections"], did["repeated"], did[count]) == (3, 2, 1, 1)
        assert did["resets_for_wrong_acks"] == did["wrong_acks"]


def test_linux_is_a_server_for_synward_load(trial: Trial) -> None:
    """The second witness: its kernel asks for the clients' MAC addresses, and counts what it gets."""
    trial.server.sysctl("net.ipv6.conf.far.disable_ipv6", 0)
    trial.server.run("ip", "link", "set", "far", "arp", "on")
    trial.server.configure("far", "198.18.0.10/15", "2001:2::10/48")
    over = threading.Event()
    with trial.server.entered():
        listener = socket.create_server(("::", PORT), family=socket.AF_INET6, backlog=1024, dualstack_ipv6=True)
    listener.settimeout(0.1)

    def serve() -> None:
        while not over.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            with connection:
                connection.settimeout(5)
                assert connection.recv(100) == b"question"
                connection.sendall(b"answer")
                connection.recv(100)  # their FIN

    server = threading.Thread(target=serve)
    server.start()
    try:
        usual = ("--clients", str(RATE), "--arrivals", "constant", "--baseline", "2", "--duration", "0", "--recovery", "0", *ASKING)
        trial.client.run(*trial.words("--target", *TARGETS, *usual), seconds=40)
    finally:
        over.set()
        server.join(10)
        listener.close()
    baseline = json.loads(trial.json.read_text())["phases"]["baseline"]
    assert outcomes(baseline) == {"succeeded": 2 * RATE} and baseline["unclosed"] == 0
    lines = trial.server.run("nstat", "-a", "-s", "-z", "-j")
    counts = json.loads(lines)["kernel"]
    assert counts["TcpPassiveOpens"] == 2 * RATE
    assert counts["TcpInCsumErrors"] == counts["TcpInErrs"] == counts["TcpEstabResets"] == counts["TcpRetransSegs"] == 0


@pytest.mark.parametrize("target", TARGETS)
def test_where_nothing_is_wrong_nothing_is_told(trial: Trial, target: str) -> None:
    report, did = trial.run("--target", target, "--request", r"GET / HTTP/1.0\r\n\r\n", "--expect", "answer")
    baseline = report["phases"]["baseline"]
    assert outcomes(baseline) == {"succeeded": 2 * RATE}
    assert (did["connections"], did["answers"], did["closed"], did["others"]) == (2 * RATE, 2 * RATE, 2 * RATE, 0)
    assert did["requests"] == {"GET / HTTP/1.0\r\n\r\n": 2 * RATE} and did["misdirected"] == did["aborted"] == 0 and did["asked"] >= 1
    assert baseline["success_percent"] == 100 and baseline["unclosed"] == repeated(baseline) - did["repeated"] == 0
    assert sum(second["received"] for second in report["seconds"]) == did["frames_out"] - did["asked"]
    assert baseline["syn_ack_us"]["count"] == baseline["first_byte_us"]["count"] == 2 * RATE
    assert 0 < baseline["syn_ack_us"]["p50"] <= baseline["first_byte_us"]["p50"] < 500_000
    # SYN, ACK, request, ACK of the answer, FIN, ACK of the FIN; and what resolves the target.
    assert baseline["wire"]["sent"] >= 6 * 2 * RATE
    assert (report["interrupted"], report["passed"]) == (False, True)


def test_two_targets_have_the_clients_in_turn(trial: Trial) -> None:
    report, did = trial.run("--target", TARGETS[0], TARGETS[1], *ASKING)
    assert outcomes(report["phases"]["baseline"]) == {"succeeded": 2 * RATE}
    assert did["answers"] == 2 * RATE


def test_where_the_target_is_told_nobody_is_asked(trial: Trial) -> None:
    for mac in (trial.server.run("cat", "/sys/class/net/far/address").strip(), "02:00:00:00:00:77"):
        report, did = trial.run("--mac", mac, "--baseline", "0.5")
        assert outcomes(report["phases"]["baseline"]) == {"succeeded": RATE // 2}  # the witness takes all frames of the wire
        assert did["asked"] == 0 and did["misdirected"] == (did["frames_in"] if mac.endswith("77") else 0)


def test_prefixes_of_ones_own_are_kept_to(trial: Trial) -> None:
    sources, clients = ("10.9.0.0/20", "fd00:9::/64"), ("192.168.7.0/28", "fd00:7::/64")
    options = ("--target", TARGETS[0], TARGETS[1], "--source-prefix", *sources, "--client-prefix", *clients)
    told = ("--flood-prefix", *sources, "--client-prefix", *clients)
    report, did = trial.run(*options, "--flood", "1000", "--baseline", "0", "--duration", "1", "--recovery", "1", faults=told)
    assert outcomes(report["phases"]["attack"]) == outcomes(report["phases"]["recovery"]) == {"succeeded": RATE}
    assert did["connections"] == 2 * RATE
    assert did["flood_syns"] == did["flood_segments"] == report["phases"]["attack"]["wire"]["syns_sent"] > 500
    assert did["flood_sources"] > 0.7 * did["flood_syns"], "half of them of 4096 addresses, half of many"


def test_its_addresses_are_at_its_port(trial: Trial) -> None:
    """Whoever answers may have to ask first: for a client's address or for one of the attack's."""
    responder = Responder(trial.server, "far")
    words = trial.words("--target", *TARGETS, "--flood", "10", "--clients", "10", "--baseline", "0", "--duration", "30")
    process = trial.client.start(*words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in process.stdout:
        if " 1.0 s  attack" in line:
            break
    wire = trial.lab.frames(trial.server, "far")
    mac = trial.client.run("cat", "/sys/class/net/near/address").strip()

    def ask(address: str) -> None:
        if ":" not in address:
            return wire.send(Ether(src=wire.mac, dst="ff:ff:ff:ff:ff:ff") / ARP(hwsrc=wire.mac, psrc="198.18.0.10", pdst=address))
        group = socket.inet_pton(socket.AF_INET6, address)[-3:]
        ip = IPv6(src="2001:2::10", dst="ff02::1:ff%02x:%02x%02x" % tuple(group), hlim=255)
        there = "33:33:ff:" + group.hex(":")
        return wire.send(Ether(src=wire.mac, dst=there) / ip / ICMPv6ND_NS(tgt=address) / ICMPv6NDOptSrcLLAddr(lladdr=wire.mac))

    def told(address: str, frame: Ether) -> bool:
        if ARP in frame:
            return frame[ARP].op == 2 and frame[ARP].psrc == address and frame[ARP].hwsrc == mac
        return ICMPv6ND_NA in frame and frame[ICMPv6ND_NA].tgt == address and frame[ICMPv6ND_NA].lladdr == mac

    for address in ("198.18.64.77", "198.19.200.7", "2001:2:0:4000::55", "2001:2:0:8123::9"):
        ask(address)
        assert wire.expect(lambda frame: told(address, frame)).src == mac
    for address in ("198.18.0.99", "198.18.65.1", "2001:2::99", "2001:2:0:4001::1"):
        ask(address)
        wire.expect_none(lambda frame: told(address, frame), 0.2)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert responder.stop()["bad_checksums"] == 0


@pytest.mark.parametrize("target", TARGETS)
def test_every_tenth_syn_that_is_lost_shows(trial: Trial, target: str) -> None:
    report, did = trial.run("--target", target, faults=("--drop-every", "10"))
    baseline = report["phases"]["baseline"]
    assert did["dropped"] == did["syns"] // 10 and did["first_dropped"] > 0
    assert outcomes(baseline) == {"succeeded": 2 * RATE}, "each came again"
    # A machine that stands still for a second makes clients repeat themselves, too.
    assert repeated(baseline) == did["repeated"] >= did["first_dropped"]
    assert baseline["syn_ack_us"]["max"] >= 1_000_000
    share = did["first_dropped"] / (2 * RATE)
    assert 0.05 <= share <= 0.12, "about a tenth: those that come again are counted, too"
    assert baseline["syn_ack_us"]["p90"] < 1_000_000 or share > 0.1


def test_who_is_never_answered_gives_up(trial: Trial) -> None:
    report, did = trial.run("--patience", "3.5", faults=("--drop-every", "1"))
    assert outcomes(report["phases"]["baseline"]) == {"no_syn_ack": 2 * RATE}
    assert did["syns"] == did["dropped"] == 3 * 2 * RATE, "SYNs after 0, 1 and 3 s"
    assert report["phases"]["baseline"]["syn_ack_us"]["count"] == 0


def test_a_syn_ack_with_a_wrong_checksum_is_none(trial: Trial) -> None:
    report, did = trial.run("--patience", "2.5", *ASKING, faults=("--corrupt-every", "3"))
    baseline, never = report["phases"]["baseline"], did["never_well_answered"]
    assert did["corrupted"] == did["syn_acks"] // 3 and 0 < never < did["repeated"]
    assert outcomes(baseline) == {"succeeded": 2 * RATE - never, "no_syn_ack": never}
    assert repeated(baseline) == did["repeated"], "and who never got in is none of its first SYN's successes"
    assert baseline["syn_ack_us"]["max"] >= 1_000_000 and did["answers"] == 2 * RATE - never


# Of a client a second each latency can be seen, as its second's median.
@pytest.mark.parametrize(("delay_ms", "clients"), [(5, 100), (60, 100), (300, 1)])
def test_a_delay_is_what_it_is(trial: Trial, delay_ms: int, clients: int) -> None:
    report, did = trial.run("--clients", str(clients), "--baseline", "3", faults=("--delay-ms", str(delay_ms)))
    baseline = report["phases"]["baseline"]
    assert outcomes(baseline) == {"succeeded": 3 * clients}
    late = baseline["generator_late_us"]["max"] + 1000 * did["latest_ms"]
    least = 1000 * delay_ms  # of each: its SYN-ACK does not leave before
    assert least <= baseline["syn_ack_us"]["p50"] < least + 20_000 + late
    assert min(second["syn_ack_p50_us"] for second in report["seconds"] if second["clients"]) >= least


def test_wrong_acknowledgments_connect_nobody(trial: Trial) -> None:
    report, did = trial.run("--patience", "1.5", "--assert", "baseline.bad_syn_ack==0", faults=("--wrong-ack-every", "1"), code=1)
    assert outcomes(report["phases"]["baseline"]) == {"bad_syn_ack": 2 * RATE}
    assert did["wrong_acks"] == did["syns"] >= 2 * 2 * RATE and did["answers"] == did["aborted"] == 0
    assert did["resets_for_wrong_acks"] == did["wrong_acks"], "each is refused, in its own numbers"
    assert report["phases"]["baseline"]["success_percent"] == 0


def test_a_wrong_acknowledgment_does_not_end_a_client(trial: Trial) -> None:
    """It refuses it and goes on: its next SYN may fare better."""
    report, did = trial.run("--patience", "2.5", *ASKING, faults=("--wrong-ack-every", "3"))
    baseline, never = report["phases"]["baseline"], did["never_well_answered"]
    assert did["wrong_acks"] == did["syn_acks"] // 3 == did["resets_for_wrong_acks"]
    assert 0 < never < did["repeated"]
    assert outcomes(baseline) == {"succeeded": 2 * RATE - never, "bad_syn_ack": never}
    assert repeated(baseline) == did["repeated"]
    assert baseline["syn_ack_us"]["count"] == did["answers"] == 2 * RATE - never


FAULTS = {
    "--reset-every": ("resets", "reset"),
    "--hang-up-every": ("hung_up", "reset"),
    "--mute-every": ("muted", "no_data"),
    "--wrong-answer-every": ("wrong_answers", "wrong_data"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fourth_connection_that_fails_shows_how(trial: Trial, fault: str) -> None:
    report, did = trial.run("--patience", "2", *ASKING, faults=(fault, "4"))
    done, outcome = FAULTS[fault]
    assert did[done] == 2 * RATE // 4
    assert outcomes(report["phases"]["baseline"]) == {"succeeded": 2 * RATE * 3 // 4, outcome: 2 * RATE // 4}
    assert report["phases"]["baseline"]["success_percent"] == 75
    connected = 2 * RATE * (3 if fault == "--reset-every" else 4) // 4
    assert report["phases"]["baseline"]["syn_ack_us"]["count"] == sum(did["requests"].values()) == connected


def test_a_server_that_stands_still_hides_nothing(trial: Trial) -> None:
    """Trap 36: clients come on while it does, and each of them waits for what is left of the second."""
    report, did = trial.run("--baseline", "3", "--clients", "200", faults=("--stall", "1", "1"))
    baseline = report["phases"]["baseline"]
    assert outcomes(baseline) == {"succeeded": 600}
    waited, (begin, end) = baseline["syn_ack_us"], did["stood_still"]
    # A third of all waited, evenly from a whole second down to nothing: nine tenths of all at most 0.7 s.
    assert 1e6 * (end - begin - 0.01) <= waited["max"] < 1e6 * (end - begin + 0.5)
    assert 1e6 * (end - begin - 0.31) <= waited["p90"] < 900_000
    assert waited["p50"] < 300_000
    by_second = [second["syn_ack_p50_us"] for second in report["seconds"][:3]]  # a late sample makes it a client more or less
    assert max(by_second) == by_second[1] >= 400_000


def test_who_asks_again_meanwhile_has_waited_since_the_first_time(trial: Trial) -> None:
    """The same for longer than a SYN's first timeout: the second SYN begins no new time."""
    report, did = trial.run("--baseline", "3", "--clients", "200", faults=("--stall", "0.5", "1.6"))
    baseline = report["phases"]["baseline"]
    assert outcomes(baseline) == {"succeeded": 600}
    waited, (begin, end) = baseline["syn_ack_us"], did["stood_still"]
    assert waited["max"] >= 1e6 * (end - begin - 0.01)
    assert waited["p90"] >= 1e6 * (end - begin - 0.31)
    assert repeated(baseline) == did["repeated"] >= 200 * (end - begin - 1) - 2


def test_what_the_load_tester_itself_is_late_is_told_and_hides_nothing(trial: Trial) -> None:
    """Trap 36 from the other side: the clock of a client runs while the tester that is to start it stands still."""
    responder = Responder(trial.server, "far")
    phases = ("--baseline", "3", "--duration", "0", "--recovery", "0")
    words = trial.words("--target", TARGETS[0], "--clients", "200", "--arrivals", "constant", *phases)
    process = trial.client.start(*words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in process.stdout:
        if " 1.0 s  baseline" in line:
            break
    process.send_signal(signal.SIGSTOP)
    time.sleep(0.5)
    process.send_signal(signal.SIGCONT)
    process.communicate(timeout=30)
    did, baseline = responder.stop(), json.loads(trial.json.read_text())["phases"]["baseline"]
    assert process.returncode == 0 and did["connections"] == 600 and outcomes(baseline) == {"succeeded": 600}
    for latency in (baseline["generator_late_us"], baseline["syn_ack_us"]):
        assert latency["max"] >= 450_000
        assert latency["p90"] >= 150_000  # 100 of 600 were late, evenly up to 0.5 s: a tenth by 0.2 s
        assert latency["p50"] < 100_000
    assert baseline["saturated"]


@pytest.mark.parametrize("target", TARGETS)
def test_a_flood_is_counted_on_both_ends(trial: Trial, target: str) -> None:
    phases = ("--baseline", "1", "--duration", "2", "--recovery", "1")
    report, did = trial.run("--target", target, "--flood", "2000", *phases, "--clients", "50", *ASKING)
    wires = [report["phases"][phase]["wire"] for phase in ("baseline", "attack", "recovery")]
    attack = report["phases"]["attack"]
    assert wires[1]["attack_due"] == 4000 and wires[0]["attack_sent"] == wires[2]["attack_sent"] == 0
    assert did["flood_syns"] == did["flood_segments"] == wires[1]["syns_sent"] == wires[1]["attack_sent"] > 3000
    assert did["connections"] == 200 and wires[1]["attack_sent"] + wires[1]["refused"] <= 4000
    assert sum(wire["syn_acks"] for wire in wires) == did["flood_syn_acks"] == did["flood_syns"]
    assert sum(wire["wrong_syn_acks"] + wire["resets"] + wire["others"] for wire in wires) == 0
    assert attack["syn_acks_per_syn"] == 1
    assert min(did["flood_sources"], did["flood_ports"], did["flood_isns"]) > 0.9 * did["flood_syns"] and did["flood_option_lengths"] == 3
    for phase, clients in (("baseline", 50), ("attack", 100), ("recovery", 50)):
        assert outcomes(report["phases"][phase]) == {"succeeded": clients}
    assert [second["phase"] for second in report["seconds"]][:4] == ["baseline", "attack", "attack", "recovery"]


def test_a_mixed_attack_is_intact_and_its_syns_are_told_apart(trial: Trial) -> None:
    report, did = trial.run("--flood", "3000", "--attack", "mixed", "--baseline", "1", "--duration", "2", "--clients", "20")
    wire = report["phases"]["attack"]["wire"]
    assert did["flood_syns"] == wire["syns_sent"] and wire["syns_sent"] / wire["attack_sent"] == pytest.approx(2 / 7, abs=0.05)
    assert did["flood_segments"] <= wire["attack_sent"] - 0.1 * wire["attack_sent"], "replays come from clients' addresses"


def test_wrong_syn_acks_to_the_flood_are_told_apart(trial: Trial) -> None:
    phases = ("--baseline", "0", "--duration", "1", "--recovery", "0.5")
    report, did = trial.run("--flood", "500", "--attack", "odd-syn", *phases, "--clients", "0", faults=("--wrong-ack-every", "3"))
    wires = [report["phases"][phase]["wire"] for phase in ("attack", "recovery")]
    assert sum(wire["wrong_syn_acks"] for wire in wires) == did["flood_wrong_acks"] == did["flood_syns"] // 3 > 100
    assert sum(wire["syn_acks"] for wire in wires) == did["flood_syn_acks"] == did["flood_syns"] - did["flood_wrong_acks"]
    assert report["phases"]["attack"]["syn_acks_per_syn"] == pytest.approx(did["flood_syn_acks"] / did["flood_syns"])
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
    assert time.time() - asked < 1, "and nobody waits for the report"
    responder.stop()
    assert process.returncode == 130
    capture.stop()
    theirs = trial.client.run("cat", "/sys/class/net/near/address").strip()
    words = ["tshark", "-r", str(capture.path), "-Y", f"eth.src == {theirs}", "-T", "fields", "-e", "frame.time_epoch"]
    sent = [float(line) for line in subprocess.run(words, capture_output=True, text=True, timeout=30).stdout.split()]
    assert sent and max(sent) > asked - 0.5, "it was sending until then"
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
