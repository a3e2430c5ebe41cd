"""`synward run`: what the config asks for arrives at the worker, and the process keeps to itself and ends in order."""

import pathlib
import signal

import pytest

from endpoint import SERVER4, SERVER6, config, opened, over_veth
from handmade import HandmadeClient
from namespaces import LabError, Namespace, wait_until, wire
from synward import Synward


def test_tables_are_as_large_as_the_config_says(lab):
    served = over_veth(lab, config() + "[table]\nconnections_per_core = 1200\n")
    # 75 % of the slots, which lie in buckets; one table for each family.
    assert 2 * 1600 <= served.total()["gauges"]["table_slots"] < 2 * 1650
    served.stop()


def thread_states(pid: int) -> list[str]:
    """proc_pid_stat(5): "T" is stopped."""
    return [path.read_text().rpartition(")")[2].split()[0] for path in pathlib.Path(f"/proc/{pid}/task").glob("*/stat")]


def test_the_backlog_is_as_long_as_the_config_says(lab):
    served = over_veth(lab, config() + "[accept]\nbacklog = 2\n")
    frames = lab.frames(served.client, "near")
    mac = served.synward.namespace.run("cat", "/sys/class/net/far/address").strip()
    clients = [HandmadeClient(frames, mac, SERVER4, 443, number) for number in range(5)]
    for client in clients:
        client.answer_to(client.segment("S"))
    # Who looks away finds all ACKs in one burst, before it accepts anything.
    served.synward.process.send_signal(signal.SIGSTOP)
    wait_until(lambda: set(thread_states(served.synward.process.pid)) == {"T"}, "every thread of it to stop")
    frames.send(*(client.segment("A") for client in clients))
    served.synward.process.send_signal(signal.SIGCONT)
    served.expect_drops({"accept_queue_full": 3})
    served.expect_drops({"accept_queue_full": 3})
    served.expect_events(opened(2) | {"syn_answered": 5, "cookie_valid": 5})
    served.stop(drops={"accept_queue_full": 3}, connections=2)


def has_avx2() -> bool:
    flags = pathlib.Path("/proc/cpuinfo").read_text().split()
    return {"avx2", "aes", "bmi1", "bmi2"} <= set(flags)


@pytest.mark.parametrize("isa", ["auto", "scalar"])
def test_the_kernels_of_the_command_line_answer(lab, isa):
    served = over_veth(lab, config(), isa=isa)
    kernels = isa == "auto" and has_avx2()
    for address in (SERVER4, SERVER6):
        served.connect(address).close()
    served.expect_events(opened(2) | {"syn_answered": 2, "cookie_valid": 2, "closed": 2})
    routes = served.total()["routes"]
    taken = {route: routes[route] for route in ("common_syn4", "common_syn6", "syn4", "syn6")}
    assert taken == {"common_syn4": kernels, "common_syn6": kernels, "syn4": not kernels, "syn6": not kernels}
    assert ("kernels scalar" in served.synward.log.read_text()) == (not kernels)
    served.stop()


def test_an_interface_is_served_by_one(lab):
    served = over_veth(lab, config())
    folder = lab.folder / "second"
    folder.mkdir()
    with pytest.raises(LabError, match="interface far is already served by another synward"):
        with Synward(served.synward.namespace, folder, config()):
            pass
    served.stop()


def test_ctrl_c_ends_it_as_sigterm_does(lab):
    synward = over_veth(lab, config()).synward
    synward.process.send_signal(signal.SIGINT)
    assert synward.process.wait(10) == 0
    assert "Every frame is accounted for." in synward.log.read_text()
    assert not synward.socket.exists()


WIRE = """[workers]
lcores = "1"
[[port]]
name = "inside"
device = "net_af_packet1,iface=right"
[[port]]
name = "outside"
device = "net_af_packet0,iface=left"
[[service]]
name = "web"
address = "198.18.0.10"
port = 443
"""


def ends_of_a_wire(lab, right_mtu: int = 1500) -> Namespace:
    """Where synward would stand: its interface left leads to the clients, right to the servers."""
    clients, middle, servers = lab.namespace("clients"), lab.namespace("synward"), lab.namespace("servers")
    wire(clients, "near", middle, "left")
    wire(servers, "near", middle, "right", right_mtu)
    for interface in ("left", "right"):
        middle.lend(interface)
    return middle


def test_a_wire_has_two_ports_that_take_every_frame(lab):
    middle = ends_of_a_wire(lab)
    synward = lab.synward(middle, WIRE)
    promiscuous = 0x100  # IFF_PROMISC
    for interface in ("left", "right"):
        assert int(middle.run("cat", f"/sys/class/net/{interface}/flags"), 16) & promiscuous
    printed = synward.stop()
    assert "serving 1 service(s) between ports outside and inside with 1 worker(s)" in printed
    assert "frames stop when this process stops: a NIC bypass or a second path is the operator's" in printed


def test_each_interface_of_a_wire_is_served_by_one(lab):
    middle = ends_of_a_wire(lab)
    lab.synward(middle, WIRE)
    folder = lab.folder / "second"
    folder.mkdir()
    for interface in ("left", "right"):
        with pytest.raises(LabError, match=f"interface {interface} is already served by another synward"):
            with Synward(middle, folder, config(device=f"net_af_packet0,iface={interface}")):
                pass


def test_ports_of_different_mtus_are_no_wire(lab):
    cure = 'port "outside" has an MTU of 1500 and port "inside" one of 1400, .*: write mtu = 1400 below both devices'
    with pytest.raises(LabError, match=cure):
        lab.synward(ends_of_a_wire(lab, right_mtu=1400), WIRE)


@pytest.mark.parametrize("device", ["af_packet", "tap"])
def test_a_device_that_goes_ends_it(lab, device):
    """Whether it is over an interface that somebody else made, or its own."""
    namespace = lab.namespace("goes")
    name = "gone0"
    if device == "af_packet":
        wire(namespace, name, lab.namespace("peer"), "far")
        namespace.lend(name)
    synward = lab.synward(namespace, config(device=f"net_{device}0,iface={name}"))
    namespace.run("ip", "link", "delete", name)
    assert synward.process.wait(5) == 1
    log = synward.log.read_text()
    assert log.endswith("synward: port outside: its device is gone; start again once it is back\n")
    assert "Every frame is accounted for." in log
