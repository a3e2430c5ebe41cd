"""`synward handshake`: what it draws, what it exits with, and that tshark finds nothing wrong in its captures."""

import os
import pty
import re
import subprocess

import pytest

import capture
import synward

ESCAPE = "\x1b["


def handshake(*words: str, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([synward.binary(), "handshake", *words], capture_output=True, text=True, timeout=30, **more)


SCENARIOS = {
    "plain": [],
    "ipv6": ["--ipv6"],
    "no_options": ["--no-timestamps", "--no-sack", "--no-wscale"],
    "scale_0": ["--wscale", "0", "--mss", "536"],
    "simultaneous": ["--simultaneous"],
    "simultaneous_without_a_synack": ["--simultaneous", "--drop", "SYNACK"],
    "syn_lost": ["--drop", "SYN"],
    "synacks_lost": ["--drop", "SYNACK:2"],
    "ack_lost": ["--drop", "ACK"],
    "ack_lost_before_text": ["--drop", "ACK", "--data", "5000"],
    "much_text": ["--ipv6", "--data", "200000"],
    "wrap": ["--isn-client", "4294967295", "--isn-server", "4294967295", "--data", "3000"],
}


@pytest.mark.parametrize("words", SCENARIOS.values(), ids=SCENARIOS.keys())
def test_tshark_finds_no_warning_and_no_bad_checksum(words, tmp_path):
    pcap = tmp_path / "handshake.pcap"
    done = handshake(*words, "--pcap", str(pcap))
    assert done.returncode == 0, done.stderr
    assert "the client is ESTABLISHED, the server ESTABLISHED." in done.stdout
    capture.assert_clean(pcap, '_ws.expert.severity == "Warning"')
    arrows = len(re.findall(r"\|-*>\||\|<-*\||X lost|lost X", done.stdout))
    assert len(capture.read(pcap)) == arrows >= 3
    assert len(capture.read(pcap, 'tcp.checksum.status == "Good"')) == arrows  # tshark did look


def test_capture_shows_the_numbers_of_the_drawing(tmp_path):
    pcap = tmp_path / "handshake.pcap"
    handshake("--isn-client", "100", "--isn-server", "300", "--mss", "1300", "--wscale", "3", "--pcap", str(pcap))
    assert capture.read(pcap, "tcp.flags == 0x002 && tcp.seq_raw == 100 && tcp.options.mss_val == 1300")
    assert capture.read(pcap, "tcp.flags == 0x012 && tcp.seq_raw == 300 && tcp.ack_raw == 101")
    assert capture.read(pcap, "tcp.flags == 0x010 && tcp.seq_raw == 101 && tcp.ack_raw == 301 && tcp.window_size == 65536")


def test_same_seed_draws_the_same():
    assert handshake("--seed", "7", "--bytes").stdout == handshake("--seed", "7", "--bytes").stdout
    drawn = handshake().stdout
    seed = re.search(r"--seed (\d+)", drawn).group(1)
    assert drawn.startswith(handshake("--seed", seed).stdout)


def test_no_handshake_is_exit_code_1():
    done = handshake("--drop", "SYN:99")
    assert done.returncode == 1
    assert "After 247000.000 ms the client is CLOSED, the server LISTEN." in done.stdout


def test_wrong_option_is_exit_code_2_and_one_sentence():
    done = handshake("--drop", "FIN")
    assert done.returncode == 2
    assert "SYN, SYNACK or ACK" in done.stderr and not done.stdout


def test_capture_that_cannot_be_written_is_named():
    done = handshake("--pcap", "/nonexistent/x.pcap")
    assert done.returncode == 1
    assert "/nonexistent/x.pcap: No such file or directory" in done.stderr


def test_color_and_width_follow_the_terminal():
    assert ESCAPE not in handshake().stdout
    ours, theirs = pty.openpty()
    try:
        subprocess.run(["stty", "cols", "110"], stdin=theirs, check=True)
        environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
        subprocess.run([synward.binary(), "handshake", "--seed", "1"], stdout=theirs, env=environment, check=True, timeout=30)
        drawn = os.read(ours, 65536).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert f"{ESCAPE}34m-" in drawn
    assert max(len(re.sub(r"\x1b\[\d+m", "", line.rstrip())) for line in drawn.splitlines() if "|" in line) == 110
