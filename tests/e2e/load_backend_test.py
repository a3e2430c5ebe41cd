"""synward-load at both sides of what stands in a cable: nothing, a wire with faults, synward."""

import json
import pathlib
import subprocess

import pytest

import namespaces
import shield
from lab import Lab
from namespaces import LabError, Namespace
from synward import NO_HUGE_PAGES, binary

pytestmark = pytest.mark.alone

LOAD = str(pathlib.Path(binary()).with_name("synward-load"))
TARGETS = ("198.18.0.10:443", "[2001:2::10]:443")
PORTS = ("--device", "net_af_packet0,iface=near,framecnt=4096", "--backend", "net_af_packet1,iface=far,framecnt=4096")
ANSWER = 30_000
ASKING = ("--request", "question", "--expect", "answer", "--answer-bytes", str(ANSWER))


def run(load: Namespace, folder: pathlib.Path, *options: str) -> dict:
    """100 clients a second in every phase of a second, unless `options` say otherwise."""
    report = folder / "report.json"
    usual = {"--clients": "100", "--arrivals": "constant", "--baseline": "1", "--duration": "1", "--recovery": "1"}
    words = [word for option, value in usual.items() if option not in options for word in (option, value)]
    load.run(LOAD, *PORTS, "--json", str(report), *words, *options, "--", *NO_HUGE_PAGES, seconds=50)
    return json.loads(report.read_text())["phases"]


@pytest.fixture
def load(lab: Lab) -> Namespace:
    return lab.namespace("load")


def lend(load: Namespace) -> None:
    load.lend("near")
    load.lend("far")


@pytest.mark.parametrize("target", TARGETS)
def test_over_a_cable_all_comes_through_and_the_attack_as_well(lab: Lab, load: Namespace, target: str) -> None:
    namespaces.wire(load, "near", load, "far")
    lend(load)
    phases = run(load, lab.folder, "--target", target, "--flood", "1000", *ASKING)
    for phase in phases.values():
        assert phase["outcomes"]["succeeded"] == phase["clients"] == 100
        assert phase["wire"]["answer_bytes"] == 100 * ANSWER
        assert phase["goodput_bps"] == pytest.approx(8 * 100 * ANSWER / phase["seconds"])
    attack = phases["attack"]["wire"]
    assert attack["leaked"] == attack["attack_sent"] > 500, "there is no defence"
    assert phases["baseline"]["wire"]["leaked"] == phases["recovery"]["wire"]["leaked"] == 0


def test_each_kind_of_attack_comes_out_as_it_went_in(lab: Lab, load: Namespace) -> None:
    namespaces.wire(load, "near", load, "far")
    lend(load)
    kinds = "syn,odd-syn,ack,rst,fin,syn-ack"
    phases = run(load, lab.folder, "--target", *TARGETS, "--flood", "1000", "--attack", kinds, *ASKING)
    attack = phases["attack"]
    assert attack["outcomes"]["succeeded"] == attack["clients"] == 100
    assert attack["wire"]["leaked"] == attack["wire"]["attack_sent"] > 500
    # A server's answers, here the backend's: SYN-ACKs to SYNs, resets to what has an ACK and is no connection's.
    assert attack["wire"]["syn_acks"] > 100 and attack["wire"]["resets"] > 100
    assert attack["wire"]["wrong_syn_acks"] == 0


def test_a_server_that_speaks_first(lab: Lab, load: Namespace) -> None:
    namespaces.wire(load, "near", load, "far")
    lend(load)
    phases = run(load, lab.folder, "--target", *TARGETS, "--first-byte", "--duration", "0", "--recovery", "0")
    assert phases["baseline"]["outcomes"]["succeeded"] == 100
    assert phases["baseline"]["wire"]["answer_bytes"] == 100, "a byte each"


@pytest.mark.seconds(100)
def test_what_a_wire_loses_is_said_again(lab: Lab, load: Namespace) -> None:
    impairment = lab.impaired_wire(load, "near", load, "far", "--seed", "7", "--lose", "10")
    lend(load)
    options = ("--target", *TARGETS, "--duration", "0", "--recovery", "0", "--patience", "30", *ASKING)
    baseline = run(load, lab.folder, *options)["baseline"]
    impairment.stop()
    assert baseline["outcomes"]["succeeded"] == 100
    assert baseline["first_syn_success_percent"] < 95, "nine in a hundred SYNs were lost, and as many SYN-ACKs"
    assert baseline["first_byte_us"]["max"] >= 200_000, "a request or an answer was"


def test_no_more_is_sent_than_may_be_whatever_happens(lab: Lab, load: Namespace) -> None:
    impairment = lab.impaired_wire(load, "near", load, "far", "--seed", "7", "--lose", "40")
    lend(load)
    report = lab.folder / "report.json"
    # What each client and the backend may take where nothing is lost; here much is said again and again.
    most = 100 * 2 * (8 + 25)
    words = [LOAD, *PORTS, "--json", str(report), "--target", TARGETS[0], "--clients", "100", "--baseline", "1", "--duration", "0", "--recovery", "0"]
    process = load.start(*words, "--patience", "30", "--max-packets", str(most), *ASKING, "--", *NO_HUGE_PAGES, stdout=subprocess.PIPE, text=True)
    said, _ = process.communicate(timeout=40)
    assert process.returncode == 1 and "It was cut off: no more packets may be sent than --max-packets." in said
    counts = impairment.stop()
    sent = sum(counts[direction]["received"] for direction in ("ab", "ba"))
    assert 0.9 * most < sent <= 1.1 * most, "but for what one turn of its loop sends"
    told = json.loads(report.read_text())
    assert told["capped"] and told["phases"]["baseline"]["outcomes"]["under_way"] > 0


@pytest.mark.parametrize("target", TARGETS)
def test_behind_synward_nothing_of_the_attack_comes_out(lab: Lab, load: Namespace, target: str) -> None:
    middle = lab.namespace("synward")
    namespaces.wire(load, "near", middle, "outside")
    namespaces.wire(load, "far", middle, "inside")
    lend(load)
    middle.lend("outside")
    middle.lend("inside")
    synward = lab.synward(middle, shield.config())
    # The first connection to a backend passes, and synward learns from it.
    run(load, lab.folder, "--target", target, "--clients", "1", "--duration", "0", "--recovery", "0", *ASKING)
    phases = run(load, lab.folder, "--target", target, "--flood", "2000", *ASKING)
    for phase in phases.values():
        assert phase["outcomes"]["succeeded"] == phase["clients"] == 100
        assert phase["unclosed"] == 0
        assert phase["wire"]["leaked"] == 0
    assert phases["attack"]["wire"]["attack_sent"] > 1000 and phases["attack"]["wire"]["wrong_syn_acks"] == 0
    assert phases["attack"]["syn_acks_per_syn"] == 1, "also those that came after its end"
    total = synward.stats()["total"]
    assert total["events"]["backend_established"] >= 300
    assert "Every frame is accounted for." in synward.stop()


def test_the_backend_is_no_port_of_the_attack(lab: Lab, load: Namespace) -> None:
    namespaces.wire(load, "near", load, "far")
    lend(load)
    words = [LOAD, "--device", PORTS[1], "--backend", PORTS[1], "--target", TARGETS[0], "--clients", "1"]
    said = load.run(*words, check=False)
    assert "--backend names the port of --device" in said


def test_nor_that_of_the_default_route(lab: Lab, load: Namespace) -> None:
    namespaces.wire(load, "near", load, "far")
    lend(load)
    load.run("ip", "route", "add", "default", "dev", "far")
    words = [LOAD, *PORTS, "--target", TARGETS[0], "--clients", "1", "--", *NO_HUGE_PAGES]
    with pytest.raises(LabError, match="exit code 1: synward-load: this machine's default route goes by far: no load leaves there"):
        load.run(*words)


def test_a_gateway_is_asked_for_behind_which_the_backend_is(lab: Lab, load: Namespace) -> None:
    """A router stands between the ports: it is sent what is for the target, and passes it on."""
    router = lab.namespace("router")
    namespaces.wire(load, "near", router, "outside")
    namespaces.wire(load, "far", router, "inside")
    lend(load)
    router.sysctl("net.ipv4.ip_forward", 1)
    router.configure("outside", "198.18.200.1/16")
    router.configure("inside", "198.18.0.1/24")
    for interface in ("outside", "inside"):
        router.run("ip", "link", "set", interface, "arp", "on")
    phases = run(load, lab.folder, "--target", TARGETS[0], "--gateway", "198.18.200.1", "--duration", "0", "--recovery", "0", *ASKING)
    assert phases["baseline"]["outcomes"]["succeeded"] == 100
    assert phases["baseline"]["wire"]["answer_bytes"] == 100 * ANSWER
