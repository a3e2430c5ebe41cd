"""`synward doctor`: what it finds on machines that are not right, and that its commands mend them."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator

import pytest

from endpoint import CLIENT4, SERVER4, config, over_veth
from lab import Lab
from namespaces import LabError, Namespace, wire
from synward import Synward, binary

NOBODY = ("setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups")


class Doctor:
    """Of `text` as a config, inside `namespace`."""

    def __init__(self, namespace: Namespace, folder: pathlib.Path, text: str, prefix: tuple[str, ...] = (), program: str = ""):
        self.namespace, self.folder = namespace, folder
        self.config = folder / "doctor.toml"
        self.config.write_text(f'{text}\n[control]\nsocket = "{folder / "doctor.sock"}"\n')
        self._prefix, self.program = prefix, program or binary()

    def run(self, *options: str) -> subprocess.CompletedProcess:
        inside = ["ip", "netns", "exec", self.namespace.name, *self._prefix]
        words = [*inside, self.program, "doctor", "-c", str(self.config), *options]
        return subprocess.run(words, capture_output=True, text=True, timeout=30)

    def findings(self) -> list[dict]:
        done = self.run("--json")
        assert done.stderr == ""
        found = json.loads(done.stdout)
        assert done.returncode == any(finding["state"] == "fail" for finding in found)
        return found

    def of(self, check: str) -> dict:
        (found,) = (finding for finding in self.findings() if finding["check"] == check)
        return found

    def mend(self, check: str, state: str, says: str) -> None:
        """`check` must be in `state`, and right once its command was executed as it stands."""
        before = self.of(check)
        assert before["state"] == state and re.search(says, before["text"]), before
        named = self.folder / "bin"  # commands call synward by its name
        named.mkdir(exist_ok=True)
        if not (named / "synward").exists():
            (named / "synward").symlink_to(self.program)
        assert before["command"]
        self.namespace.run("env", f"PATH={named}:{os.environ['PATH']}", "sh", "-ec", before["command"])
        after = self.of(check)
        assert (after["state"], after["command"]) == ("ok", ""), after


@pytest.fixture
def open_folder() -> Iterator[pathlib.Path]:
    """One that everybody may read."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield pathlib.Path(name)


def raw_veth(lab: Lab) -> Namespace:
    """The interface far as the kernel makes it: down, with ARP, IPv6 and offloads."""
    client, far = lab.namespace("client"), lab.namespace("synward")
    wire(client, "near", far, "far")
    far.sysctl("net.ipv6.conf.far.disable_ipv6", 0)
    client.configure("near", f"{CLIENT4}/24")
    far.run("ethtool", "-K", "far", "gro", "on", "tso", "on", "tx", "on")
    return far


def test_every_command_mends_its_line_and_then_synward_serves(lab: Lab) -> None:
    keys = lab.folder / "keys.toml"
    text = config() + f'[cookie]\nkey_file = "{keys}"\n'
    doctor = Doctor(raw_veth(lab), lab.folder, text)
    doctor.mend("key file", "fail", "keys.toml: cannot be read")
    keys.chmod(0o644)
    doctor.mend("key file", "fail", r"others may read or change it \(mode 0644\)")
    os.chown(keys, 1, 1)
    doctor.mend("key file", "fail", "belongs to another user")
    os.chmod(lab.folder, 0o777)
    doctor.mend("key file", "warn", "others may change it")
    doctor.config.chmod(0o666)
    doctor.mend("config", "warn", "others may change it")
    doctor.mend("outside link", "fail", "far is down")
    doctor.mend("outside silence", "warn", "answers ARP and speaks IPv6")
    doctor.mend("outside offloads", "fail", "gro, tso is on")
    doctor.namespace.run("ethtool", "-K", "far", "tx", "on", "tso", "on")
    doctor.mend("outside offloads", "warn", "tso is on")
    with Synward(doctor.namespace, lab.folder, text) as synward:
        synward.stop()


def test_an_mtu_that_the_interface_does_not_have(lab: Lab) -> None:
    device = "net_af_packet0,iface=far,framesz=9216,blocksz=36864"
    doctor = Doctor(raw_veth(lab), lab.folder, config(device=device, port="mtu = 9000"))
    doctor.mend("outside MTU", "fail", "takes no MTU of 9000: lower it, or give it to the kernel's interface first")
    assert doctor.of("outside MTU")["text"] == "9000"


def test_the_other_end_of_a_veth_in_the_same_namespace(lab: Lab) -> None:
    namespace = lab.namespace("synward")
    namespace.run("ip", "link", "add", "far", "type", "veth", "peer", "name", "near")
    doctor = Doctor(namespace, lab.folder, config())
    doctor.mend("outside other end", "fail", "near leaves the checksums of what it sends to far unfinished")


def test_beside_a_running_synward(lab: Lab) -> None:
    served = over_veth(lab, config())
    served.connect(SERVER4).close()
    doctor = Doctor(served.synward.namespace, lab.folder, "")
    doctor.config = served.synward.config
    found = {finding["check"]: finding for finding in doctor.findings()}
    assert not [finding for finding in found.values() if finding["state"] == "fail"]
    assert "a synward answers, up " in found["control socket"]["text"]
    rss = "1 queue(s) for 1 worker(s), the NIC checks no checksums, RSS none (there is one queue)"
    assert found["outside RSS"]["text"] == rss
    assert "a synward runs" in found["huge pages"]["text"]
    (used,) = re.findall(r"kernels (\w+)", served.synward.log.read_text())
    assert found["CPU"]["text"].startswith(f"kernels {used} by itself")
    served.stop()


def test_what_another_synward_has_cannot_be_had(lab: Lab) -> None:
    served = over_veth(lab, config())
    doctor = Doctor(served.synward.namespace, lab.folder, config())
    assert doctor.of("port outside")["text"] == "interface far is already served by another synward"
    other = served.synward.config.read_text().replace('name = "outside"', 'name = "elsewhere"')
    doctor.config.write_text(other)
    socket = doctor.of("control socket")
    assert socket["state"] == "fail" and "another synward serves it" in socket["text"]
    served.stop()


def test_a_missing_interface_is_told_as_start_tells_it(lab: Lab) -> None:
    namespace = lab.namespace("synward")
    doctor = Doctor(namespace, lab.folder, config())
    found = doctor.of("port outside")
    assert found["state"] == "fail"
    reason = 'there is no interface "far"; "ip link" lists those there are'
    assert reason in found["text"]
    with pytest.raises(LabError, match=re.escape(reason)):
        lab.synward(namespace, config())


def test_a_config_that_is_wrong(lab: Lab) -> None:
    doctor = Doctor(lab.namespace("synward"), lab.folder, config(lcores="x") + "[table]\nconnections_per_cor = 5\n")
    found = [finding["text"] for finding in doctor.findings() if finding["check"] == "config"]
    check = subprocess.run([binary(), "check", "-c", str(doctor.config)], capture_output=True, text=True, timeout=10)
    assert len(found) == 2 and found == check.stderr.splitlines()
    doctor.config = lab.folder / "missing.toml"
    assert [f["text"] for f in doctor.findings() if f["check"] == "config"] == [
        f"{doctor.config}: cannot be read: it must be a file that this user may read"
    ]


def test_what_a_user_lacks_can_be_given_to_the_program(lab: Lab, open_folder: pathlib.Path) -> None:
    namespace = raw_veth(lab)
    program = open_folder / "synward-of-nobody"
    shutil.copy(binary(), program)
    limited = ("prlimit", "--memlock=65536", *NOBODY)
    doctor = Doctor(namespace, open_folder, config(), limited, str(program))
    socket = doctor.of("control socket")
    assert (socket["state"], socket["command"]) == ("fail", ""), "no command takes a folder away from whose it is"
    own = open_folder / "run"
    own.mkdir()
    shutil.chown(own, "nobody")
    doctor.config.write_text(config() + f'[control]\nsocket = "{own}/synward.sock"\n')
    assert doctor.of("control socket")["state"] == "ok"
    assert doctor.of("locked memory")["state"] == "warn"
    doctor.mend("privileges", "fail", "ask for cap_net_admin,cap_net_raw, and this user lacks it")
    assert doctor.of("locked memory")["state"] == "ok", "the same command gave it that"
    doctor.mend("outside link", "fail", "far is down")
    words = ["ip", "netns", "exec", namespace.name, *limited, str(program), "run", "-c", str(doctor.config)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout:
            if "serving 2 service(s) on port outside" in line:
                break
        process.terminate()
        assert "Every frame is accounted for." in process.stdout.read()
    assert process.returncode == 0


def test_a_person_reads_it(lab: Lab) -> None:
    printed = Doctor(raw_veth(lab), lab.folder, config()).run()
    lines = printed.stdout.splitlines()
    assert printed.returncode == 1
    long = [line for line in lines if len(line) > 100 and not line.lstrip().startswith(("mend it:", "echo "))]
    assert [line for line in long if not re.search(r"/\S{60}", line)] == [], "but for a path, which has no place to break"
    assert re.fullmatch(r"\d+ ok, \d+ warn, \d+ fail", lines[-1])
    at = next(number for number, line in enumerate(lines) if line.startswith("fail  outside link:"))
    assert re.fullmatch(r" {6}mend it: +ip link set far up", lines[at + 1])
    assert not (lab.folder / "doctor.sock").exists(), "it changes nothing"


def test_without_a_config_it_looks_at_the_machine() -> None:
    hidden = "[ ! -d /etc/synward ] || mount -t tmpfs none /etc/synward; exec \"$@\""  # where this machine has one
    words = ["unshare", "--mount", "sh", "-c", hidden, "sh", binary(), "doctor", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30)
    found = json.loads(done.stdout)
    assert done.returncode == 0 and {finding["state"] for finding in found} <= {"ok", "warn"}
    assert found[0]["text"].startswith("none: there is no /etc/synward/synward.toml")
    assert {"huge pages", "lcores", "CPU", "clock"} <= {finding["check"] for finding in found}
