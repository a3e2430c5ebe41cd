"""DPDK's telemetry: its own script asks, beside `synward stats --json`."""

import contextlib
import json
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading

import pytest

from endpoint import SERVERS, Endpoint, config, expect, flood, opened, over_veth
from lab import Lab
from namespaces import wait_until
from synward import Synward

SCRIPT = "/usr/bin/dpdk-telemetry.py"
ON = "[control]\ntelemetry = true\n"
IDLE = '[workers]\nlcores = "1"\n[[port]]\nname = "outside"\ndevice = "net_null0,no-rx=1"\n'
SERVICE = '[[service]]\nname = "{}"\naddress = "198.18.0.10"\nport = {}\n'


@pytest.fixture
def runtime(monkeypatch) -> pathlib.Path:
    """Where DPDK makes its folders: a name so short that its socket's fits into a socket's address."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sw-", dir="/tmp"))
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(folder))
    yield folder
    shutil.rmtree(folder)


def socket_of(runtime: pathlib.Path) -> pathlib.Path:
    return runtime / "dpdk" / "synward" / "dpdk_telemetry.v2"


def ask(*commands: str, instance: int = 0) -> list:
    """What DPDK's script prints for each of them."""
    words = [SCRIPT, "-f", "synward", "-i", str(instance)]
    done = subprocess.run(words, input="\n".join(commands), capture_output=True, text=True, timeout=20)
    assert (done.stderr, done.returncode) == ("", 0), done.stdout
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [list(answer) for answer in answers] == [[command.partition(",")[0]] for command in commands], done.stdout
    return [next(iter(answer.values())) for answer in answers]


def connect_once(node: Endpoint) -> None:
    for address in SERVERS:
        node.connect(address).close()
    node.expect_events(opened(2, closed=2))


def counts(total: dict) -> dict:
    """Without what grows while nothing comes, and the routers that Linux looks for when it likes."""
    return {
        "drops": total["drops"] | {"icmp_ignored": 0},
        "events": total["events"],
        "gauges": total["gauges"],
        "timings": {label: timing for label, timing in total["timings"].items() if label != "burst_cycles"},
    }


def test_it_says_what_the_stats_say(lab: Lab, runtime: pathlib.Path) -> None:
    node = over_veth(lab, config() + ON)
    connect_once(node)
    expect(lambda: counts(ask("/synward/stats")[0]), counts(node.total()))
    expect(lambda: counts(ask("/synward/core,0")[0]), counts(node.total()))
    stats = node.synward.stats()
    said = ask("/synward/stats")[0]
    missing = set(stats["total"]) - set(said)
    assert not missing and said["version"] == stats["version"] and said["workers"] == 1
    drops, events, ports, services, health = ask(
        "/synward/drops", "/synward/events", "/synward/ports", "/synward/services", "/synward/health"
    )
    assert drops | {"icmp_ignored": 0} == stats["total"]["drops"] | {"icmp_ignored": 0}
    assert events == stats["total"]["events"]
    assert ports == {"count": 1, "first": 0, "names": ["outside"]}
    assert services == {"count": 2, "first": 0, "names": ["four", "six"]}
    assert health == {"healthy": 1, "reasons": []}
    for service in stats["services"]:
        assert ask(f"/synward/service,{service['name']}") == [service | {"retired": 0}]
    (port,) = ask("/synward/port,outside")
    assert port["driver"] == "net_af_packet" and port["xstats"].keys() == stats["ports"][0]["xstats"].keys()
    node.stop()


def test_what_is_asked_wrongly_is_told_and_every_command_is_listed_with_help(lab: Lab, runtime: pathlib.Path) -> None:
    synward = lab.synward(lab.namespace("synward"), IDLE + SERVICE.format("web", 443) + ON)
    commands = [command for command in ask("/")[0] if command.startswith("/synward")]
    assert len(commands) == 14
    for command in commands:
        (text,) = ask(f"/help,{command}")
        assert text[command].count("arameters") == 1
        (answer,) = ask(f"{command},nobody")
        assert list(answer) == ["error"], command
    assert ask("/synward/service,web")[0]["port"] == 443
    assert ask("/synward/core") == [{"error": "which worker: a number from 0 to 0"}]
    synward.stop()

def test_counts_rise_under_a_flood(lab: Lab, runtime: pathlib.Path) -> None:
    node = over_veth(lab, config() + ON)
    before = ask("/synward/stats")[0]
    flood(lab, node, "198.18.77.1", "S", 1000)
    expect(lambda: node.total()["events"]["syn_answered"], 1000)
    expect(lambda: ask("/synward/stats")[0]["events"]["syn_answered"], 1000)
    after, service, talkers = ask("/synward/stats", "/synward/service,four", "/synward/talkers")
    assert after["rx"] >= before["rx"] + 1000 and after["sent"] >= before["sent"] + 1000
    assert service["syns"] == 1000
    assert talkers["syns"]["prefixes"] == ["198.18.77.0/24"] and len(talkers["syns"]["counts"]) == 1
    node.stop()


def test_of_thousands_of_services_every_answer_is_whole(lab: Lab, runtime: pathlib.Path) -> None:
    names = [f"{number}-{'ü' * 62}" for number in range(3000)]
    text = IDLE + "".join(SERVICE.format(name, 1 + number) for number, name in enumerate(names)) + ON
    lab.synward(lab.namespace("synward"), text)
    seen, first = [], ""
    while first is not None:
        (page,) = ask(f"/synward/services{first}")
        assert page["count"] == len(names) and page["first"] == len(seen)
        seen += page["names"]
        first = f",{page['next']}" if "next" in page else None
    shown = [name.replace("ü", "??") for name in names]  # each of its bytes
    assert seen == [name if len(name) <= 127 else name[:124] + "..." for name in shown]
    assert [answer["port"] for answer in ask(f"/synward/service,{names[-1]}", f"/synward/service,{seen[-1]}")] == [3000] * 2


def test_without_it_there_is_no_socket(lab: Lab, runtime: pathlib.Path) -> None:
    synward = lab.synward(lab.namespace("synward"), IDLE + SERVICE.format("web", 443))
    assert not list(runtime.glob("dpdk/*/dpdk_telemetry*"))
    listening = synward.namespace.run("ss", "-Hlx")
    assert str(synward.socket) in listening and "dpdk_telemetry" not in listening
    synward.stop()


def test_two_on_one_machine_are_told_apart(lab: Lab, runtime: pathlib.Path) -> None:
    nodes = [lab.namespace(f"synward{i}") for i in (0, 1)]
    first, second = [
        lab.synward(node, IDLE.replace("net_null0", f"net_null{i}") + SERVICE.format(f"s{i}", 443) + ON, name=f"s{i}")
        for i, node in enumerate(nodes)
    ]
    assert ask("/synward/service,s0")[0]["port"] == ask("/synward/service,s1", instance=1)[0]["port"] == 443
    first.stop()
    assert not socket_of(runtime).exists()
    assert ask("/synward/services", instance=1)[0]["names"] == ["s1"]
    second.stop()


class Asking:
    """Clients of DPDK's telemetry who ask until synward is gone, each for one command."""

    def __init__(self, path: pathlib.Path, *commands: str):
        self._path = path
        self._left = False
        self.answers = dict.fromkeys(commands, 0)
        self._threads = [threading.Thread(target=self._ask, args=(command,)) for command in commands]

    def __enter__(self) -> "Asking":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._left = True
        for thread in self._threads:
            thread.join()

    def _ask(self, command: str) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client, contextlib.suppress(ConnectionError):
            client.connect(str(self._path))  # DPDK lets one at a time wait; the others wait for that
            client.settimeout(10)
            client.recv(1024)
            while not self._left:
                client.send(command.encode())
                answer = client.recv(16384)
                if not answer:
                    return
                json.loads(answer)
                self.answers[command] += 1


@pytest.mark.parametrize("attempt", range(5))
def test_it_ends_in_order_while_clients_ask(lab: Lab, runtime: pathlib.Path, attempt: int) -> None:
    synward: Synward = lab.synward(lab.namespace("synward"), IDLE + SERVICE.format("web", 443) + ON)
    ours = ("/synward/stats", "/synward/health", "/synward/port,outside", "/synward/service,web")
    dpdks = ("/ethdev/stats,0", "/ethdev/xstats,0", "/mempool/list", "/eal/heap_info,0")
    with Asking(socket_of(runtime), *ours, *dpdks) as asking:
        wait_until(lambda: min(asking.answers.values()) >= 50, "answers to all")
        assert "Every frame is accounted for." in synward.stop()
    assert not socket_of(runtime).exists()


def asks_and_leaves(path: pathlib.Path) -> bool:
    """Whether it was let in: DPDK takes ten at once."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client, contextlib.suppress(ConnectionError):
        client.connect(str(path))
        return bool(client.recv(1024)) and client.send(b"/synward/stats") > 0
    return False


def test_clients_who_do_not_wait_for_their_answer_do_no_harm(lab: Lab, runtime: pathlib.Path) -> None:
    synward = lab.synward(lab.namespace("synward"), IDLE + SERVICE.format("web", 443) + ON)
    for _ in range(200):
        wait_until(lambda: asks_and_leaves(socket_of(runtime)), "a free place", log=synward.log)
    synward.stop()
