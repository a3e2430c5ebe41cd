"""synward-load at ports of other kinds than net_af_packet, with a Linux server at the other end."""

import contextlib
import json
import pathlib
import socket
import subprocess
import threading
from collections.abc import Iterator

import pytest

import namespaces
from lab import Lab
from namespaces import Namespace
from synward import NO_HUGE_PAGES, binary

pytestmark = pytest.mark.alone

LOAD = str(pathlib.Path(binary()).with_name("synward-load"))
PORT = 443
TARGETS = ("198.18.0.10:443", "[2001:2::10]:443")
CLIENTS = 100
USUAL = ("--clients", str(CLIENTS), "--arrivals", "constant", "--baseline", "1", "--duration", "0", "--recovery", "0")


@contextlib.contextmanager
def serving(server: Namespace) -> Iterator[None]:
    """Takes connections and closes each when its client has."""
    over = threading.Event()
    with server.entered():
        listener = socket.create_server(("::", PORT), family=socket.AF_INET6, backlog=1024, dualstack_ipv6=True)
    listener.settimeout(0.1)

    def serve() -> None:
        while not over.is_set():
            with contextlib.suppress(TimeoutError), listener.accept()[0] as connection:
                connection.settimeout(5)
                connection.recv(100)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(10)
        listener.close()


def baseline(report: pathlib.Path) -> dict:
    return json.loads(report.read_text())["phases"]["baseline"]


@pytest.mark.parametrize("finished", [True, False])
def test_net_af_xdp_and_the_checksums_that_a_kernel_leaves_unfinished(lab: Lab, finished: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    suppressions = lab.folder / "suppressions"
    suppressions.write_text("leak:xsk_umem__create\n")  # Debian's driver copies, and so never counts its UMEM's users, nor frees it
    monkeypatch.setenv("LSAN_OPTIONS", f"suppressions={suppressions}:print_suppressions=0")
    load, server = lab.namespace("load"), lab.namespace("server")
    namespaces.wire(load, "near", server, "far")
    if not finished:
        server.run("ethtool", "-K", "far", "tx", "on")
    load.lend("near")
    server.configure("far", "198.18.0.10/15", "2001:2::10/48")
    report = lab.folder / "report.json"
    words = (LOAD, "--device", "net_af_xdp0,iface=near", "--json", str(report), "--target", *TARGETS, *USUAL, "--patience", "3")
    with serving(server):
        said = load.run(*words, "--", *NO_HUGE_PAGES, seconds=30)
    told = baseline(report)
    if finished:
        assert told["outcomes"]["succeeded"] == CLIENTS and told["wire"]["broken"] == 0
    else:
        assert told["outcomes"]["no_syn_ack"] == CLIENTS and told["wire"]["broken"] > 0
        assert "ethtool -K INTERFACE tx off" in " ".join(said.split())


def test_net_tap(lab: Lab) -> None:
    """synward-load makes the TAP, and asks for its targets until the other end has them."""
    server = lab.namespace("server")
    report = lab.folder / "report.json"
    words = [LOAD, "--device", "net_tap0,iface=tap0", "--json", str(report), "--target", *TARGETS, *USUAL]
    with serving(server):
        process = server.start(*words, "--", *NO_HUGE_PAGES, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        namespaces.wait_until(lambda: server.run("ip", "link", "show", "dev", "tap0", check=False).startswith(tuple("0123456789")), "the TAP")
        server.configure("tap0", "198.18.0.10/15", "2001:2::10/48")
        said, _ = process.communicate(timeout=40)
    assert process.returncode == 0, said
    assert baseline(report)["outcomes"]["succeeded"] == CLIENTS


def test_net_ring(lab: Lab) -> None:
    """Which gives back what it is given: nothing of that is an answer."""
    load = lab.namespace("load")
    report = lab.folder / "report.json"
    words = (LOAD, "--device", "net_ring0", "--mac", "02:00:00:00:00:0a", "--json", str(report), "--target", *TARGETS)
    phases = ("--clients", "20", "--arrivals", "constant", "--flood", "10000", "--baseline", "0", "--duration", "1", "--recovery", "1", "--patience", "0.5")
    load.run(*words, *phases, "--", *NO_HUGE_PAGES, seconds=30)
    attack = json.loads(report.read_text())["phases"]["attack"]
    assert attack["outcomes"]["no_syn_ack"] == attack["clients"] == 20
    wire = attack["wire"]
    assert wire["attack_sent"] == pytest.approx(10_000, abs=500) and wire["received"] == pytest.approx(wire["sent"], abs=200)
    assert wire["syn_acks"] == wire["wrong_syn_acks"] == wire["resets"] == wire["broken"] == 0
