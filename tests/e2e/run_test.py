"""`synward run`: what the config asks for arrives at the worker, and the process keeps to itself and ends in order."""

import pathlib
import signal

import pytest

from endpoint import SERVER4, config, opened, over_veth
from handmade import HandmadeClient
from namespaces import LabError, wait_until
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


def test_an_interface_is_served_by_one(lab):
    served = over_veth(lab, config())
    folder = lab.folder / "second"
    folder.mkdir()
    with pytest.raises(LabError, match="interface far is already served by another synward"):
        with Synward(served.synward.namespace, folder, config()):
            pass
    served.stop()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGHUP])
def test_other_signals_end_it_as_sigterm_does(lab, end):
    synward = over_veth(lab, config()).synward
    synward.process.send_signal(end)
    assert synward.process.wait(10) == 0
    assert "Every frame is accounted for." in synward.log.read_text()
    assert not synward.socket.exists()
