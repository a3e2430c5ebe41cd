"""The laboratory itself, with plain Linux at both ends: what later tests take for granted."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from scapy.layers.inet import ICMP, IP, TCP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import Ether

import namespaces
import synward

CLIENT4, SERVER4 = "198.18.0.1", "198.18.0.10"
CLIENT6, SERVER6 = "2001:2::1", "2001:2::10"


@pytest.fixture
def cable(lab):
    """Two Linux hosts and a wire, addressed and up."""
    client, server = lab.namespace("client"), lab.namespace("server")
    namespaces.wire(client, "near", server, "far")
    client.configure("near", f"{CLIENT4}/24", f"{CLIENT6}/64")
    server.configure("far", f"{SERVER4}/24", f"{SERVER6}/64")
    return client, server


def listening(namespace: namespaces.Namespace, address: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with namespace.entered():
        return socket.create_server((address, 7), family=family)


@pytest.mark.parametrize("address", [SERVER4, SERVER6])
def test_a_tcp_connection_crosses_the_wire_without_a_flaw(lab, cable, address):
    client, server = cable
    recorded = lab.capture(client, "near")
    payload = os.urandom(300_000)
    with listening(server, address) as listener:
        with client.entered():
            connection = socket.create_connection((address, 7), timeout=5)
        with connection, listener.accept()[0] as accepted:
            sender = threading.Thread(target=lambda: (connection.sendall(payload), connection.close()))
            sender.start()
            accepted.settimeout(5)
            received = b"".join(iter(lambda: accepted.recv(65536), b""))
            sender.join()

    assert received == payload
    assert len(recorded.frames("tcp.flags.syn == 1")) == 2
    recorded.assert_clean("frame.len > 1514")  # a segment larger than the wire carries


def test_nc_reaches_across_the_wire(cable):
    client, server = cable
    receiver = server.start("nc", "-l", "-N", SERVER4, "7", stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    namespaces.wait_until(lambda: ":7 " in server.run("ss", "-Hltn"), "nc to listen")
    client.run("nc", "-N", SERVER4, "7", stdin=b"a line")
    assert receiver.communicate(timeout=5)[0] == b"a line"


def bad_frames(source: str) -> dict[str, object]:
    ether = Ether(src=source, dst="02:00:00:00:00:02")
    ip, ip6 = IP(src=CLIENT4, dst=SERVER4), IPv6(src=CLIENT6, dst=SERVER6)
    return {
        "tcp": ether / ip / TCP(flags="S", chksum=0x1234),
        "tcp over IPv6": ether / ip6 / TCP(flags="S", chksum=0x1234),
        "ip": ether / IP(src=CLIENT4, dst=SERVER4, chksum=0x1234) / TCP(flags="S"),
        "icmp": ether / ip / ICMP(chksum=0x1234),
        "icmpv6": ether / ip6 / ICMPv6EchoRequest(cksum=0x1234),
        "an option that runs past the header": ether / ip / TCP(flags="S", dataofs=6) / b"\x02\x08\x05\xb4",
        "an option without a length": ether / ip / TCP(flags="S", dataofs=6) / b"\x1e\x00\x05\xb4",
        "a window scale beyond 14": ether / ip / TCP(flags="S", options=[("WScale", 15)]),
        "a header that runs past the segment": ether / ip / TCP(flags="S", dataofs=15),
    }


@pytest.mark.parametrize("flaw", bad_frames(""))
def test_the_capture_check_catches(lab, cable, flaw):
    client, _ = cable
    frames = lab.frames(client, "near")
    recorded = lab.capture(client, "near")
    frames.send(bad_frames(frames.mac)[flaw])
    with pytest.raises(AssertionError, match="tshark objects"):
        recorded.assert_clean()


def test_the_capture_check_passes_good_frames_made_by_hand(lab, cable):
    client, _ = cable
    frames = lab.frames(client, "near")
    recorded = lab.capture(client, "near")
    frames.send(Ether(src=frames.mac, dst="02:00:00:00:00:02") / IP(src=CLIENT4, dst=SERVER4) / TCP(flags="S"))
    recorded.assert_clean()
    with pytest.raises(AssertionError, match="tshark objects"):
        recorded.assert_clean("tcp.flags.syn == 1")


def test_an_empty_capture_proves_nothing(lab, cable):
    recorded = lab.capture(cable[0], "near")
    recorded.stop()
    recorded.path.write_bytes(recorded.path.read_bytes()[:24])  # the file header alone
    with pytest.raises(AssertionError, match="holds no frame"):
        recorded.assert_clean()


def test_a_hand_made_client_talks_to_linux(lab, cable):
    client, server = cable
    frames, far = lab.frames(client, "near"), lab.frames(server, "far")
    to_server = Ether(src=frames.mac, dst=far.mac) / IP(src="198.18.0.77", dst=SERVER4)
    server.run("ip", "neighbor", "add", "198.18.0.77", "lladdr", frames.mac, "dev", "far")
    with listening(server, SERVER4):
        frames.send(to_server / TCP(sport=40000, dport=7, flags="S", seq=1000))
        answer = frames.expect(lambda frame: TCP in frame and frame[TCP].dport == 40000)
    assert answer[TCP].flags == "SA" and answer[TCP].ack == 1001
    frames.expect_none(lambda frame: TCP in frame and frame[TCP].flags == "R", seconds=0.2)
    with pytest.raises(namespaces.LabError, match="no such frame"):
        frames.expect(lambda frame: TCP in frame and frame[TCP].dport == 40001, seconds=0.2)


def test_a_lent_interface_is_silent(lab, cable):
    client, server = cable
    spare = lab.namespace("spare")
    namespaces.wire(client, "near1", spare, "far1")
    client.configure("near1", "198.19.0.1/24")
    spare.lend("far1")
    recorded = lab.capture(spare, "far1")
    client.run("ping", "-c", "1", "-W", "1", "198.19.0.10", check=False)
    assert recorded.frames("arp.opcode == 1"), "the question did not come through"
    near1 = lab.frames(client, "near1")
    assert recorded.frames(f"eth.src != {near1.mac}") == []


def sleeping(inside: namespaces.Namespace) -> subprocess.Popen:
    """A process that sleeps, once it has entered the namespace."""
    sleeper = inside.start("sleep", "1000")
    namespaces.wait_until(lambda: pathlib.Path(f"/proc/{sleeper.pid}/comm").read_text() == "sleep\n", "a process inside")
    return sleeper


def test_namespaces_go_with_the_laboratory_and_so_do_their_processes(lab):
    inner = lab.namespace("inner")
    sleeper = sleeping(inner)
    assert (namespaces.NAMESPACES / inner.name).exists()
    lab.__exit__(None, None, None)
    assert not (namespaces.NAMESPACES / inner.name).exists()
    assert sleeper.poll() is not None


def test_leftovers_of_a_killed_run_are_removed(privileges):
    dead = subprocess.Popen(["true"])
    dead.wait()
    name = f"{namespaces.PREFIX}-{dead.pid}-left"
    left = namespaces.Namespace(name)
    sleeper = sleeping(left)
    assert name in namespaces.remove_leftovers()
    assert not (namespaces.NAMESPACES / name).exists()
    assert sleeper.wait(5) == -signal.SIGKILL


def test_a_command_that_hangs_or_fails_is_an_error(lab):
    inner = lab.namespace("inner")
    with pytest.raises(namespaces.LabError, match="not done after 0.2 s"):
        inner.run("sleep", "1000", seconds=0.2)
    with pytest.raises(namespaces.LabError, match="exit code 3"):
        inner.run("sh", "-c", "exit 3")
    assert inner.run("sh", "-c", "echo out; echo err >&2; exit 3", check=False) == "out\nerr\n"


STAND_IN = """\
    #!/usr/bin/python3
    # Behaves like synward's command line: run -c FILE -- EAL, and stats --json --socket PATH.
    import signal, sys, time
    if sys.argv[1] == "stats":
        print(open(sys.argv[4]).read())
        sys.exit(0)
    config = open(sys.argv[3]).read()
    if "broken" in config:
        sys.exit("synward.toml:1: broken: is not allowed")
    path = config.split('socket = "')[1].split('"')[0]
    time.sleep(0.2)
    signal.signal(signal.SIGTERM, lambda *_: (print("summary: 1 connection", flush=True), sys.exit(CODE)))
    open(path, "w").write('{"eal": "' + " ".join(sys.argv[5:]) + '"}')
    signal.pause()
"""


@pytest.fixture
def stand_in(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch):
    """Puts a program in synward's place that leaves with the given exit code when it is told to stop."""

    def install(code: int) -> None:
        program = tmp_path / "stand-in"
        program.write_text(textwrap.dedent(STAND_IN).replace("CODE", str(code)))
        program.chmod(0o755)
        monkeypatch.setenv("SYNWARD", str(program))

    return install


def test_synward_is_started_asked_and_stopped(lab, stand_in):
    stand_in(0)
    running = lab.synward(lab.namespace("node"), "[workers]")
    assert running.stats() == {"eal": " ".join(synward.NO_HUGE_PAGES)}
    assert running.stop() == "summary: 1 connection\n"


def test_a_bad_end_of_synward_fails_the_test(lab, stand_in):
    stand_in(7)
    running = lab.synward(lab.namespace("node"), "[workers]")
    with pytest.raises(AssertionError, match="exited with 7"):
        running.stop()


def test_a_synward_that_does_not_start_says_why(lab, stand_in):
    stand_in(0)
    with pytest.raises(namespaces.LabError, match="broken: is not allowed"):
        lab.synward(lab.namespace("node"), "broken = true")


@pytest.fixture
def inner_run(tmp_path: pathlib.Path):
    """Starts a pytest of its own over one test file, with this folder's fixtures."""
    here = pathlib.Path(__file__).parent

    def start(test: str, *prefix: str) -> subprocess.Popen:
        folder = tmp_path / "inner"
        folder.mkdir()
        folder.chmod(0o755)
        (folder / "conftest.py").write_text((here / "conftest.py").read_text())
        (folder / "inner_test.py").write_text(test)
        words = [*prefix, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder)]
        environment = os.environ | {"PYTHONPATH": str(here)}
        return subprocess.Popen([*words, str(folder)], stdout=subprocess.PIPE, text=True, env=environment)

    return start


def test_a_run_that_is_ended_early_cleans_up(inner_run):
    run = inner_run("import time\ndef test_long(lab): lab.namespace('long'); time.sleep(100)\n")
    name = namespaces.NAMESPACES / f"{namespaces.PREFIX}-{run.pid}-long"
    namespaces.wait_until(name.exists, "the inner run's namespace")
    time.sleep(0.2)  # until the test sleeps
    run.terminate()
    run.communicate(timeout=10)
    assert not name.exists()


def test_a_test_that_hangs_is_ended(inner_run):
    run = inner_run("import pytest, time\n@pytest.mark.seconds(1)\ndef test_hang(): time.sleep(100)\n")
    assert "not done after 1 s" in run.communicate(timeout=20)[0]
    assert run.returncode == 1


def test_without_the_right_to_make_namespaces_a_test_fails_and_says_so(inner_run):
    run = inner_run("def test_any(lab): pass\n", "setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin", "--")
    assert "end-to-end tests need CAP_SYS_ADMIN" in run.communicate(timeout=20)[0]
    assert run.returncode == 1
