"""Keys in a file: nodes that share it take each other's cookies, and a rotation loses no handshake."""

import pathlib
import re
import socket
import subprocess
import time

import pytest

from endpoint import SERVERS, config, handmade_client, opened, over_veth
from handmade import HandmadeClient
from lab import Lab
from namespaces import LabError, wait_until
from synward import binary

SLOT_SECONDS = 64
MSS = {"198.18.0.10": 1460, "2001:2::10": 1440}


def keys(*words: str) -> str:
    done = subprocess.run([binary(), "keys", *words], capture_output=True, text=True, timeout=10)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def key_file(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "keys.toml"
    keys("init", str(path))
    return path


def with_keys(path: pathlib.Path) -> str:
    return config() + f'[cookie]\nkey_file = "{path}"\n'


def test_they_are_made_rotated_and_shown(key_file: pathlib.Path) -> None:
    assert key_file.stat().st_mode & 0o777 == 0o600
    secrets = re.findall(r'secret = "(.{32})"', key_file.read_text())
    shown = keys("show", str(key_file))
    assert re.search(r"^[0-9a-f]{8} +0  1970-01-01 00:00:00 UTC  mints$", shown, re.MULTILINE)
    shown = keys("rotate", str(key_file), "--after", "100")
    assert re.search(r"mints in 1\d\d s$", shown, re.MULTILINE)
    secrets += re.findall(r'secret = "(.{32})"', key_file.read_text())[1:]
    assert len(set(secrets)) == 2 and not any(secret[:8] in shown for secret in secrets)
    again = subprocess.run([binary(), "keys", "rotate", str(key_file)], capture_output=True, text=True, timeout=10)
    assert (again.returncode, again.stdout) == (1, "") and "a key is waiting already" in again.stderr


def begin(client: HandmadeClient, address: str) -> None:
    syn_ack = client.answer_to(client.segment("S", options=[("MSS", MSS[address])]))
    assert (syn_ack.flags, syn_ack.ack) == ("SA", client.next)


@pytest.mark.parametrize("address", SERVERS)
def test_one_node_takes_the_cookie_of_another(lab: Lab, key_file: pathlib.Path, address: str) -> None:
    first, second = (over_veth(lab, with_keys(key_file), node=name) for name in ("first", "second"))
    asking, answering = handmade_client(lab, first, address), handmade_client(lab, second, address)
    begin(asking, address)
    answering.next, answering.service_next = asking.next, asking.service_next
    answering.send(answering.segment("A"))
    second.expect_events({"cookie_valid": 1, "promoted": 1, "accepted": 1})
    first.stop()
    second.stop(connections=1)


def test_the_file_is_followed_and_no_handshake_is_lost(lab: Lab, key_file: pathlib.Path) -> None:
    address = SERVERS[0]
    node = over_veth(lab, with_keys(key_file))
    assert f"cookies: 1 key(s) of {key_file}" in node.synward.log.read_text()
    client = handmade_client(lab, node, address)
    begin(client, address)
    keys("rotate", str(key_file), "--after", "0")
    wait_until(lambda: f"keys: {key_file} was read again, 2 key(s)" in node.synward.log.read_text(), "the new key to be read")
    key_file.chmod(0o644)
    key_file.write_text(key_file.read_text())
    wait_until(lambda: "chmod 600; they stay as they were" in node.synward.log.read_text(), "the file to be refused")
    key_file.chmod(0o600)
    wait_until(lambda: "is as it should be again" in node.synward.log.read_text(), "the file to be read again")
    assert node.synward.log.read_text().count("chmod 600") == 1, "it is told once"
    client.send(client.segment("A"))
    node.expect_events(opened(1))
    assert "break" not in node.synward.log.read_text()
    node.stop(connections=1)


@pytest.mark.seconds(SLOT_SECONDS + 40)  # the new key mints from the next slot on
def test_a_rotation_under_load_loses_no_handshake(lab: Lab, key_file: pathlib.Path) -> None:
    node = over_veth(lab, with_keys(key_file))
    keys("rotate", str(key_file), "--after", "0")
    rotated = key_file.read_text()
    begins = int(re.findall(r"first_slot = (\d+)", rotated)[1]) * SLOT_SECONDS
    opened_in_all, written = 0, 0
    while time.time() < begins + 2:
        with node.connect(SERVERS[opened_in_all % 2]) as connection:
            connection.sendall(b"request")
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(1) == b""
        opened_in_all += 1
        if opened_in_all % 10 == 0:  # the new key in other words, so that workers take a ring while they mint
            written += 1
            another = key_file.with_name("another")
            another.touch(0o600)
            another.write_text(rotated + f"[[key]]\nfirst_slot = {begins // SLOT_SECONDS + 100 + written}\nsecret = '{written:032}'\n")
            another.rename(key_file)
        time.sleep(0.005)
    assert opened_in_all > 100
    # Of thousands of clients with two processors, one's text overtakes the ACK of its handshake.
    node.expect_events(opened(opened_in_all, closed=opened_in_all), maybe=("challenge_sent",))
    assert "break" not in node.synward.log.read_text()
    node.stop(maybe=("spent_cookie",))  # a FIN that was sent again, because an answer took its time


def regions_of_a_core_dump(process: int) -> list[tuple[int, int]]:
    """Where memory lies that the kernel would write: what can be read and is not marked "dd" (MADV_DONTDUMP) or "io"."""
    regions, place = [], (0, 0)
    for line in pathlib.Path(f"/proc/{process}/smaps").read_text().splitlines():
        if found := re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line):
            place = (int(found[1], 16), int(found[2], 16))
        elif re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            place = (0, 0)
        elif line.startswith("VmFlags:") and place[1] and not {"dd", "io"} & set(line.split()):
            regions.append(place)
    return regions


def places_of(process: int, needles: list[bytes]) -> list[str]:
    found = []
    with open(f"/proc/{process}/mem", "rb", buffering=0) as memory:
        for start, end in regions_of_a_core_dump(process):
            memory.seek(start)
            for at in range(start, end, 1 << 24):
                content = memory.read(min(1 << 24, end - at))
                found += [f"{needle!r} at {at + content.index(needle):x} in {start:x}" for needle in needles if needle in content]
    return found


def test_no_secret_would_be_in_a_core_dump(lab: Lab, key_file: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MALLOC_PERTURB_", raising=False)  # meson's: synward must overwrite of its own accord,
    monkeypatch.setenv("ASAN_OPTIONS", "max_free_fill_size=65536")  # for which ASan's allocator has no call
    node = over_veth(lab, with_keys(key_file))
    keys("rotate", str(key_file), "--after", "0")
    wait_until(lambda: "was read again" in node.synward.log.read_text(), "the new key to be read")
    secrets = re.findall(r'secret = "(.{32})"', key_file.read_text())
    assert len(secrets) == 2
    process = node.synward.process.pid
    assert places_of(process, [str(key_file).encode()]), "what is in memory is found"
    found = places_of(process, [n for secret in secrets for n in (bytes.fromhex(secret), secret.encode(), secret[:16].encode(), secret[16:].encode())])
    assert not found
    wanted = {"dd"} if b"__asan_init" in pathlib.Path(binary()).read_bytes() else {"dd", "lo"}  # ASan's mlock() does nothing
    kept = [line for line in pathlib.Path(f"/proc/{process}/smaps").read_text().splitlines() if wanted <= set(line.split())]
    assert len(kept) >= 2, "that of the file's reader, and of the worker"
    node.stop()


def test_without_its_file_synward_does_not_start(lab: Lab, tmp_path: pathlib.Path) -> None:
    with pytest.raises(LabError, match="missing.toml: cannot be read"):
        over_veth(lab, with_keys(tmp_path / "missing.toml"))
