"""Every combination of TCP options that two kernels may be told to use, with synward between them (trap 14)."""

import time

import pytest

from endpoint import PORT, SERVERS, tcp_info
from lab import Lab
from namespaces import Namespace
from shield import Shield, config, exchange, shield

# The bit of each in tcp_info, and the setting that turns it on: Linux asks for ECN when that is 1.
OPTIONS = {"tcp_timestamps": 1, "tcp_sack": 2, "tcp_window_scaling": 4, "tcp_ecn": 8}
TIMESTAMPS, ECN = OPTIONS["tcp_timestamps"], OPTIONS["tcp_ecn"]
ALL = sum(OPTIONS.values())
TEXT = bytes(range(250)) * 800
ASKING_AGAIN_SECONDS = 16  # kAskingAgainSeconds in core_state.hpp
RICH_FIRST, POOR_FIRST = 1000, 2000  # ports: one for each server, since what a backend taught is kept for minutes


def use(namespace: Namespace, options: int) -> None:
    for name, bit in OPTIONS.items():
        namespace.sysctl(f"net.ipv4.{name}", int(options & bit != 0))


def names(options: int) -> str:
    return " ".join(name.removeprefix("tcp_") for name, bit in OPTIONS.items() if options & bit) or "nothing"


def used(path: Shield, address: str, port: int) -> str:
    """What both ends use on a connection of which every octet arrives, or why there is none."""
    try:
        with path.listen(address, port) as listener, path.connect(address, port) as client:
            with listener.accept()[0] as server:
                exchange(client, server, TEXT)
                ends = [names(tcp_info(end).options & ALL) for end in (client, server)]
    except OSError as error:
        return type(error).__name__
    return ends[0] if ends[0] == ends[1] else f"the client {ends[0]}, the server {ends[1]}"


def from_a_cookie(options: int) -> int:
    """A cookie has no room for ECN without timestamps."""
    return options if options & TIMESTAMPS else options & ~ECN


@pytest.mark.parametrize("address", SERVERS)
def test_both_ends_use_what_both_support(lab: Lab, address: str) -> None:
    """The first connection to a backend passes, and teaches; the others are opened by a cookie, but for those that ask
    again for what the backend declined."""
    path = shield(lab, config(ports=tuple(range(RICH_FIRST, RICH_FIRST + ALL + 1))), teach=())
    begin = time.monotonic()
    wrong = []

    def expect_used(client: int, server: int, options: set[int]) -> None:
        use(path.client, client)
        seen = used(path, address, RICH_FIRST + server)
        if seen not in [names(each) for each in options]:
            wrong.append(f"client {names(client)}, server {names(server)}: {seen}")

    for server in range(ALL + 1):
        use(path.server, server)
        time.sleep(0.05)  # so many SYNs may pass in a second
        expect_used(ALL, server, {ALL & server})
        for client in range(ALL + 1):
            expect_used(client, server, {from_a_cookie(client & server), client & server})
    assert not wrong, f"{len(wrong)} of {(ALL + 1) * (ALL + 2)} connections:\n" + "\n".join(wrong)
    passed = path.event("syn_passed")
    asked_again = (time.monotonic() - begin) // ASKING_AGAIN_SECONDS + 2
    assert ALL + 1 <= passed <= ALL + 1 + asked_again
    assert path.event("backend_established") == (ALL + 1) * (ALL + 2) - passed
    path.stop()


@pytest.mark.parametrize("address", SERVERS)
@pytest.mark.parametrize("poor", OPTIONS)
def test_a_poor_client_teaches_little_and_a_rich_one_passes_to_teach_more(lab: Lab, address: str, poor: str) -> None:
    """What is promised changes minutes later only; until then some rich clients pass, and others get what is known."""
    path = shield(lab, teach=())
    use(path.server, ALL)
    little = ALL & ~OPTIONS[poor]
    known = from_a_cookie(little)
    for client, may_use in ((little, [little]), (ALL, [ALL]), (little, [known]), (ALL, [known, ALL])):
        use(path.client, client)
        assert used(path, address, PORT) in [names(options) for options in may_use]
    path.stop()
