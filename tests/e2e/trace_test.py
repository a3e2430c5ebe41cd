"""`synward trace`: what became of each packet, and why; as text, and as a capture that tshark reads."""

import contextlib
import re
import signal
import subprocess
from collections.abc import Iterator

import pytest

import capture
import endpoint
import shield
from endpoint import CLIENT4, CLIENT6, PORT, SERVER4, SERVERS, Endpoint, flood, handmade_client, over_veth
from lab import Lab
from namespaces import RUN_SECONDS, wait_until
from shield import exchange
from synward import Synward, binary


class Trace:
    """`synward trace` while it runs; it has begun when the context is entered."""

    def __init__(self, synward: Synward, *words: str):
        self._synward = synward
        self._words = [binary(), "trace", "--socket", str(synward.socket), *words]
        self.said, self.path = synward.socket.parent / "trace.txt", synward.socket.parent / "trace.pcapng"

    def __enter__(self) -> "Trace":
        before = self._begun()
        with open(self.said, "w") as said:
            self.process = self._synward.namespace.start(*self._words, "--pcap", str(self.path), stdout=said, stderr=said)
        wait_until(lambda: self._begun() > before, "the trace to begin", log=self.said)
        return self

    def __exit__(self, *exception: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(RUN_SECONDS)

    def _begun(self) -> int:
        return self._synward.log.read_text().count("trace: on")

    def text(self) -> str:
        return self.said.read_text()

    def expect(self, pattern: str) -> str:
        """Waits until a line says so."""
        wait_until(lambda: re.search(pattern, self.text()), pattern, log=self.said)
        return re.search(f".*{pattern}.*", self.text())[0]

    def end(self) -> str:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(RUN_SECONDS) == 0
        return self.text()


@pytest.fixture
def node(lab: Lab) -> Endpoint:
    return over_veth(lab, endpoint.config())


@contextlib.contextmanager
def tracing(synward: Synward, *words: str) -> Iterator[Trace]:
    with Trace(synward, *words) as trace:
        yield trace


def comments(trace: Trace, display_filter: str) -> list[str]:
    """Of the frames of the capture that pass it."""
    words = ["tshark", "-n", "-r", str(trace.path), "-Y", display_filter, "-T", "fields", "-e", "frame.comment"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(("address", "client"), zip(SERVERS, (CLIENT4, CLIENT6)))
def test_a_handshake_from_its_syn_on(node: Endpoint, address: str, client: str) -> None:
    with tracing(node.synward, "--client", client) as trace:
        with node.connect(address) as connection:
            connection.sendall(b"text")
            trace.expect(r"\[P\.\] seq \d+ ack \d+ win \d+ len 4")
        said = trace.end()
    assert re.search(r"w0 outside \[send\] .*\[S\] seq", said)
    isn = re.search(r"SYN answered with a SYN-ACK whose ISN (\d+) is a cookie, options mss 14\d0,", said)[1]
    assert f"[S.] seq {isn} ack " in said
    assert re.search(r"\[forward\] .*\[\.\] seq .*\n    taken; its connection is ESTABLISHED", said)
    assert comments(trace, f"tcp.flags.syn == 1 && tcp.flags.ack == 0 && tcp.dstport == {PORT}")[0].startswith(
        "send: SYN answered with a SYN-ACK whose ISN"
    )
    assert comments(trace, f"tcp.flags == 0x12 && tcp.seq_raw == {isn}")[0].startswith("of the packet before: SYN answered")
    capture.assert_clean(trace.path)


def test_reasons_are_told_with_what_was_seen_and_expected(lab: Lab, node: Endpoint) -> None:
    client = handmade_client(lab, node, SERVER4)
    forged = client.segment("A")
    broken = client.segment("S", chksum=0x1234)
    elsewhere = client.segment("S")
    elsewhere["TCP"].dport = PORT + 1
    with tracing(node.synward, "--reason", "drop", "--count", "3") as trace:
        client.send(forged, broken, elsewhere)
        assert trace.process.wait(RUN_SECONDS) == 0
    said = trace.text()
    assert re.search(r"\[drop bad_cookie\].*\n.*seen ack 0: 0xffffffff is no cookie for this client", said)
    right = re.search(r"\[drop bad_tcp_checksum\].*\n.*seen 0x1234; expected (0x[0-9a-f]{4})", said)[1]
    assert re.search(rf"\[drop no_service\].*\n.*{SERVER4} has a service, but not on port {PORT + 1}", said)
    assert "3 packet(s) shown\n" in said
    # Wireshark is of the same opinion.
    words = ["tshark", "-r", str(trace.path), "-o", "tcp.check_checksum:TRUE", "-Y", "tcp.checksum == 0x1234"]
    done = subprocess.run([*words, "-T", "fields", "-e", "tcp.checksum_calculated"], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == right


def test_a_cookie_whose_timestamps_got_lost_is_told_from_a_forged_one(lab: Lab, node: Endpoint) -> None:
    client = handmade_client(lab, node, SERVER4)
    client.answer_to(client.segment("S", options=[("Timestamp", (1, 0))]))
    with tracing(node.synward, "--reason", "bad_cookie", "--count", "1") as trace:
        client.send(client.segment("A"))
        assert trace.process.wait(RUN_SECONDS) == 0
    assert "the cookie holds for a SYN with timestamps, but this segment has none" in trace.text()


def test_a_filter_keeps_out_what_is_not_asked_for(lab: Lab, node: Endpoint) -> None:
    with tracing(node.synward, "--service", "six", "--reason", "send") as trace:
        for address in SERVERS:
            node.connect(address).close()
        flood(lab, node, "198.18.0.200", "A", 100)
        trace.expect(r"\[S\.\] seq")
        said = trace.end()
    packets = re.findall(r"^\d\d:.* w0 .*", said, re.MULTILINE)
    assert packets and all(CLIENT6 in packet and "[send]" in packet for packet in packets)


def test_a_flood_costs_a_trace_no_more_than_its_room(lab: Lab, node: Endpoint) -> None:
    """Who does not take the samples gets no more of them, and learns how many came; synward goes on as before."""
    with tracing(node.synward) as trace:
        trace.process.send_signal(signal.SIGSTOP)
        flood(lab, node, "198.18.0.200", "A", 1000)
        trace.process.send_signal(signal.SIGCONT)
        trace.expect("bad_cookie")
        said = trace.end()
    shown, missed = re.search(r"^(\d+) packet\(s\) shown; (\d+) came while", said, re.MULTILINE).groups()
    assert int(shown) >= 256
    assert int(shown) + int(missed) >= 1000
    node.connect(SERVER4).close()


def test_one_trace_at_a_time_and_a_client_that_is_gone_holds_nobody_up(node: Endpoint) -> None:
    with tracing(node.synward) as first:
        words = [binary(), "trace", "--socket", str(node.synward.socket)]
        second = subprocess.run(words, capture_output=True, text=True, timeout=RUN_SECONDS)
        assert (second.returncode, second.stderr) == (1, "synward: not done: somebody else traces\n")
        first.process.kill()
        with tracing(node.synward, "--count", "1") as third:
            node.connect(SERVER4).close()
            assert third.process.wait(RUN_SECONDS) == 0
    assert node.synward.log.read_text().count("trace: off") >= 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--reason", "bad_coky"), 'there is no reason "bad_coky"; the nearest is "bad_cookie"'),
        (("--service", "fuor"), 'there is no service "fuor"; the nearest is "four"'),
        (("--client", "198.18.0.1/33"), '"198.18.0.1/33" names no clients: allowed is an IPv4 or IPv6 address'),
    ],
)
def test_what_does_not_exist_is_an_error(node: Endpoint, words: tuple[str, str], told: str) -> None:
    done = subprocess.run(
        [binary(), "trace", "--socket", str(node.synward.socket), *words], capture_output=True, text=True, timeout=RUN_SECONDS
    )
    assert done.returncode == 1
    assert told in done.stderr
    assert "trace: on" not in node.synward.log.read_text()


def test_a_capture_to_stdout_is_nothing_else(node: Endpoint) -> None:
    words = [binary(), "trace", "--socket", str(node.synward.socket), "--service", "four", "--pcap", "-", "--count", "1"]
    process = node.synward.namespace.start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until(lambda: "trace: on" in node.synward.log.read_text(), "the trace to begin")
    node.connect(SERVER4).close()
    out, error = process.communicate(timeout=RUN_SECONDS)
    assert b"1 packet(s) shown" in error
    done = subprocess.run(["tshark", "-r", "-", "-T", "fields", "-e", "frame.comment"], input=out, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert b"send: SYN answered" in done.stdout


def test_in_the_wire_what_left_is_told_with_what_came(lab: Lab) -> None:
    path = shield.shield(lab)
    with tracing(path.synward, "--service", f"four-{PORT}") as trace:
        with path.listen(SERVER4) as listener, path.connect(SERVER4) as client, listener.accept()[0] as server:
            exchange(client, server)
        path.expect_closed()
        said = trace.end()
    assert re.search(r"w0 outside \[hold\] .*\n    waits until its backend has answered", said)
    assert re.search(r"w0 outside \[forward\] .*\n    -> .*\n    on to its backend, ack \d+ -> \d+", said)
    assert re.search(r"w0 inside \[forward\] .*\n    -> .*\n    on to its client, seq \d+ -> \d+", said)
    # What left is what the two ends have seen: by Wireshark's word each flow of the capture is a whole conversation.
    capture.assert_clean(trace.path)
    path.stop("spent_cookie")
