"""Clients on the drop list, half of them in the config and half in a file, reach nothing; their neighbours miss nothing."""

import socket

import pytest

import shield
from endpoint import CLIENT4, CLIENT6, PORT, SERVER4, SERVER6, SERVERS, Endpoint, config, opened, over_veth
from lab import Lab
from namespaces import LabError, Namespace

LISTED = {SERVER4: "198.18.0.66", SERVER6: "2001:2::66"}
BESIDE = {SERVER4: CLIENT4, SERVER6: CLIENT6}
SECONDS = 2.5  # the first SYN, and Linux's second a second later


def drop_list(lab: Lab) -> str:
    path = lab.folder / "drop.txt"
    path.write_text("; clients of last week\n2001:2::40/122 ; and their neighbours\n198.18.0.77\n")
    none = lab.folder / "none.txt"
    none.write_text("; fetched in vain\n")
    return f'[drop_list]\nsources = ["198.18.0.64/30"]\nfiles = ["{path}", "{none}"]\n'


def own_both(client: Namespace) -> None:
    client.configure("near", f"{LISTED[SERVER4]}/24", f"{LISTED[SERVER6]}/64")


def connect(client: Namespace, source: str, address: str, port: int = PORT) -> socket.socket:
    with client.entered():
        return socket.create_connection((address, port), timeout=SECONDS, source_address=(source, 0))


def listed_drops(served: Endpoint | shield.Shield) -> int:
    return served.total()["drops"]["drop_list"]


def test_an_endpoint_is_silent_to_them(lab: Lab) -> None:
    served = over_veth(lab, config() + drop_list(lab))
    own_both(served.client)
    for address in SERVERS:
        before = listed_drops(served)
        with pytest.raises(TimeoutError):
            connect(served.client, LISTED[address], address)
        with pytest.raises(LabError):
            served.client.run("ping", "-c1", "-W1", "-I", LISTED[address], address)
        assert listed_drops(served) >= before + 3
        served.client.run("ping", "-c1", "-W5", "-I", BESIDE[address], address)
        connect(served.client, BESIDE[address], address).close()
    served.expect_events(opened(2, closed=2))
    log = served.synward.log.read_text()
    assert "drop list: 3 address(es) and prefix(es), 2 of them from 2 file(s)" in log
    assert f"[warning] drop list: {lab.folder / 'none.txt'} holds no address" in log
    served.stop(drops={"drop_list": listed_drops(served)})


@pytest.mark.parametrize("address", SERVERS)
def test_in_the_wire_they_reach_no_service_and_everything_else(lab: Lab, address: str) -> None:
    path = shield.shield(lab, shield.config() + drop_list(lab))
    own_both(path.client)
    with path.listen(address) as listener:
        with pytest.raises(TimeoutError):
            connect(path.client, LISTED[address], address)
        assert listed_drops(path) >= 2
        with connect(path.client, BESIDE[address], address) as client, listener.accept()[0] as server:
            assert server.getpeername()[0] == BESIDE[address], "nobody stood in the queue before"
            shield.exchange(client, server)
    path.client.run("ping", "-c1", "-W5", "-I", LISTED[address], address)
    with path.listen(address, PORT + 1) as listener:
        with connect(path.client, LISTED[address], address, PORT + 1) as client, listener.accept()[0] as server:
            shield.exchange(client, server)
    path.stop("drop_list")
