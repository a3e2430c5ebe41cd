"""Every combination of TCP options that two kernels may be told to use, with synward between them (trap 14)."""

import itertools

import pytest

from endpoint import SERVERS, tcp_info
from lab import Lab
from namespaces import Namespace
from shield import Shield, config, exchange, shield

# The bit of each in tcp_info, and the setting that turns it on: Linux asks for ECN when that is 1.
OPTIONS = {"tcp_timestamps": 1, "tcp_sack": 2, "tcp_window_scaling": 4, "tcp_ecn": 8}
ALL = sum(OPTIONS.values())
EVERY_PAIR = list(itertools.product(range(ALL + 1), repeat=2))
FIRST_PORT = 1000
TEXT = bytes(range(250)) * 800


def use(namespace: Namespace, options: int) -> None:
    for name, bit in OPTIONS.items():
        namespace.sysctl(f"net.ipv4.{name}", int(options & bit != 0))


def names(options: int) -> str:
    return " ".join(name.removeprefix("tcp_") for name, bit in OPTIONS.items() if options & bit) or "nothing"


def used(path: Shield, address: str, port: int) -> tuple[str, str]:
    """What the client, and the server, use on a connection of which every octet arrives."""
    with path.listen(address, port) as listener, path.connect(address, port) as client:
        with listener.accept()[0] as server:
            exchange(client, server, TEXT)
            return tuple(names(tcp_info(end).options & ALL) for end in (client, server))


def used_or_error(path: Shield, address: str, port: int) -> tuple[str, str] | str:
    try:
        return used(path, address, port)
    except OSError as error:
        return type(error).__name__


@pytest.mark.parametrize("address", SERVERS)
def test_both_ends_use_what_both_support(lab: Lab, address: str) -> None:
    """Each pair of settings has a port of its own, for what synward learns of a backend it keeps for minutes."""
    ports = range(FIRST_PORT, FIRST_PORT + len(EVERY_PAIR))
    path = shield(lab, config(ports=tuple(ports)))
    wrong = []
    for port, (client, server) in zip(ports, EVERY_PAIR):
        use(path.client, client)
        use(path.server, server)
        for connection in ("first", "second"):
            seen = used_or_error(path, address, port)
            if seen != (names(client & server),) * 2:
                wrong.append(f"{connection}, client {names(client)}, server {names(server)}: {seen}")
    assert not wrong, f"{len(wrong)} of {2 * len(EVERY_PAIR)} connections:\n" + "\n".join(wrong)
    # The first ones may have passed, for nothing was known; the others were opened by a cookie.
    assert path.event("backend_established") >= len(EVERY_PAIR)
    path.stop()
