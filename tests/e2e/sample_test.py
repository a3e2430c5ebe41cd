"""config/veth.toml as its first reader uses it: the commands in its comments are run, and do what it says."""

import pathlib
import re
import subprocess

from synward import START_SECONDS, binary

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "config" / "veth.toml"
# All of it lives in namespaces of its own, process ids and /run included: whatever ends it, the kernel forgets it.
APART = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--", "bash", "-euo", "pipefail", "-c"]


def awaited(command: str) -> str:
    return f"for n in {{1..{START_SECONDS * 10:.0f}}}; do {command} >/dev/null 2>&1 && break; sleep 0.1; done"


def steps() -> list[str]:
    """A line of shell for each command of the sample's; what a person leaves running runs in the background here."""
    commands = [line[4:] for line in SAMPLE.read_text().splitlines() if line.startswith("#   ")]
    lines = []
    for command in commands:
        lines.append(command.replace("build/release/synward", binary()))
        if " run " in command:
            lines += [f"{lines.pop()} >/run/synward.log 2>&1 &", "synward=$!", awaited(f"{binary()} stats")]
        elif " http.server " in command:
            lines += [f"{lines.pop().removesuffix('&')} >/dev/null 2>&1 &", "server=$!"]
            lines += [awaited("ip netns exec server ss -Htln | grep :80")]
        elif command.endswith(" stats"):
            lines += ["kill -TERM $synward", "wait $synward", "kill $server"]  # as the sample says, before what comes behind it
    return lines


def test_what_the_veth_laboratory_tells_its_reader_to_do_works() -> None:
    script = "\n".join(["mount -t tmpfs lab /run", *steps(), "ip netns list"])
    done = subprocess.run([*APART, script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
    assert done.stdout.count((ROOT / "LICENSE").read_text()) == 2
    assert re.search(r"^ +1  promoted ", done.stdout, re.MULTILINE), done.stdout
    assert done.stdout.rstrip().endswith("Every frame is accounted for."), done.stdout  # and no name of a namespace behind it
