"""Servers that speak first (trap 9), and SSH, scp included, as a person would use it."""

import os
import pathlib
import random
import subprocess
import time

import pytest

import namespaces
from endpoint import SERVERS, expect
from lab import Lab
from namespaces import Namespace
from shield import config, listens, shield

SSH, SMTP = 22, 25


@pytest.mark.alone
@pytest.mark.parametrize("address", SERVERS)
def test_a_greeting_does_not_wait_for_the_client(lab: Lab, address: str) -> None:
    path = shield(lab, config(ports=(SMTP,)), teach=(SMTP,))
    listener = path.listen(address, SMTP)
    start = time.monotonic()
    with listener, path.connect(address, SMTP) as client:
        server, _ = listener.accept()
        with server:
            server.sendall(b"220 at your service\r\n")
            assert client.recv(100) == b"220 at your service\r\n"
            assert time.monotonic() - start < 0.9  # nothing had to be sent again
            client.sendall(b"QUIT\r\n")
            assert server.recv(100) == b"QUIT\r\n"
            server.sendall(b"221 goodbye\r\n")
        assert client.recv(100) == b"221 goodbye\r\n"
        assert client.recv(100) == b""
    path.expect_closed()
    path.stop()


def test_a_greeting_may_be_late_and_the_client_patient(lab: Lab) -> None:
    """Longer than the time-outs of a handshake: over both families, and nothing is sent meanwhile."""
    path = shield(lab, config(ports=(SMTP,)), teach=(SMTP,))
    ends = []
    for address in SERVERS:
        with path.listen(address, SMTP) as listener:
            ends.append((path.connect(address, SMTP), listener.accept()[0]))
    time.sleep(8)
    for client, server in ends:
        with client, server:
            server.sendall(b"220 at last\r\n")
            assert client.recv(100) == b"220 at last\r\n"
    assert path.event("backend_syn_repeated") == 0
    path.stop()


class Ssh:
    """dropbear, with a home of its own, so that nothing of the machine's is read or written."""

    def __init__(self, folder: pathlib.Path, server: Namespace, address: str):
        self.folder, self._host = folder, address
        self.home = folder / "home"
        keys = self.home / ".ssh"
        keys.mkdir(mode=0o700, parents=True)
        for command in (
            ["dropbearkey", "-t", "ed25519", "-f", str(folder / "host_key")],
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key")],
        ):
            subprocess.run(command, check=True, capture_output=True, timeout=namespaces.RUN_SECONDS)
        keys.joinpath("authorized_keys").write_text(folder.joinpath("key.pub").read_text())
        keys.joinpath("authorized_keys").chmod(0o600)
        # ip netns exec gives every command a mount namespace, so it alone has this home.
        dropbear = f"exec dropbear -F -E -s -r {folder}/host_key -P '' -p {SSH}"
        script = f"mount --bind {self.home} {os.path.expanduser('~root')} && {dropbear}"
        log = folder / "dropbear.log"
        with open(log, "w") as out:
            server.start("sh", "-c", script, stdout=out, stderr=out)
        namespaces.wait_until(lambda: listens(server, SSH), "dropbear to listen", log=log)

    def options(self) -> list[str]:
        settings = ["BatchMode=yes", "StrictHostKeyChecking=no", "ConnectTimeout=10", "UserKnownHostsFile=/dev/null"]
        pairs = [word for setting in settings for word in ("-o", setting)]
        return ["-F", "none", "-q", "-i", str(self.folder / "key"), *pairs]


@pytest.mark.parametrize("address", SERVERS)
def test_ssh_and_scp(lab: Lab, address: str) -> None:
    path = shield(lab, config(ports=(SSH,)), teach=(SSH,))
    server = Ssh(lab.folder, path.server, address)
    options = server.options()
    said = path.client.run("ssh", *options, f"root@{address}", "cat; echo $SSH_CONNECTION", stdin=b"through\n")
    assert said.startswith("through\n")
    assert f"{address} {SSH}" in said  # the server sees the addresses of both, as they are
    text = random.Random(22).randbytes(10_000_000)
    here, there = lab.folder / "here", server.home / "there"
    here.write_bytes(text)
    host = f"root@[{address}]" if ":" in address else f"root@{address}"
    path.client.run("scp", "-O", *options, str(here), f"{host}:there", seconds=30)
    assert there.read_bytes() == text
    path.client.run("scp", "-O", *options, f"{host}:there", f"{here}.again", seconds=30)
    assert pathlib.Path(f"{here}.again").read_bytes() == text
    expect(lambda: path.event("backend_established"), 3)
    path.stop()
