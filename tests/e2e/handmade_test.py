"""synward and clients that Linux cannot play: Windows, and the unlucky."""

import pytest
from scapy.layers.inet import TCP

from endpoint import SERVER4, SERVERS, config, handmade_client, opened, over_veth
from handmade import HandmadeClient

STRAY_SECONDS = 3.2  # who comes again after three seconds does not merely arrive out of order
REQUEST = b"GET / HTTP/1.1\r\n\r\n"


@pytest.fixture
def served(lab):
    return over_veth(lab, config())


@pytest.fixture
def new_client(lab, served):
    """Makes a client by hand for one of our addresses."""
    return lambda address, number=0: handmade_client(lab, served, address, number)


def windows_syn(client: HandmadeClient, address: str):
    mss = 1460 if address == SERVER4 else 1440
    return client.segment(
        "S", options=[("MSS", mss), ("NOP", None), ("WScale", 8), ("NOP", None), ("NOP", None), ("SAckOK", b"")]
    )


def close(client: HandmadeClient) -> None:
    fin = client.answer_to(client.segment("FA"))
    assert (fin.flags, fin.ack) == ("FA", client.next)
    client.send(client.segment("A"))


@pytest.mark.parametrize("address", SERVERS)
def test_windows_opens_asks_and_closes(lab, served, new_client, address):
    recorded = lab.capture(served.client, "near")
    client = new_client(address)
    syn_ack = client.answer_to(windows_syn(client, address))
    assert (syn_ack.flags, syn_ack.ack) == ("SA", client.next)
    options = {name: value for name, value in syn_ack.options if name != "NOP"}
    assert options == {"MSS": 1460 if address == SERVER4 else 1440, "WScale": 7, "SAckOK": b""}
    assert syn_ack.window == 65535  # 1 MiB, but a SYN-ACK's window is not scaled

    client.send(client.segment("A"))
    ack = client.answer_to(client.segment("PA", REQUEST))
    assert (ack.flags, ack.ack, ack.options) == ("A", client.next, [])
    assert ack.window << 7 == 1 << 20
    close(client)

    served.expect_events(opened(1, closed=1))
    recorded.assert_clean("tcp.analysis.flags")
    served.stop()


@pytest.mark.parametrize("address", SERVERS)
def test_the_first_text_opens_when_the_ack_was_lost_but_not_again_after_the_close(served, new_client, address):
    client = new_client(address)
    client.answer_to(windows_syn(client, address))
    first = client.segment("PA", REQUEST)
    assert client.answer_to(first).ack == client.next
    close(client)
    served.expect_events(opened(1, closed=1))

    client.send(first)
    served.expect_drops({"spent_cookie": 1})
    client.expect_silence(0.2)
    served.expect_events(opened(1, closed=1))
    served.stop(drops={"spent_cookie": 1})


@pytest.mark.parametrize("address", SERVERS)
def test_text_in_a_syn_is_not_acknowledged(served, new_client, address):
    client = new_client(address)
    syn_ack = client.answer_to(client.segment("S", REQUEST))
    assert (syn_ack.flags, syn_ack.ack) == ("SA", client.next)
    client.send(client.segment("A"))
    assert client.answer_to(client.segment("PA", REQUEST)).ack == client.next
    close(client)
    served.expect_events(opened(1, closed=1))
    served.stop()


def test_a_stray_is_reset_only_when_it_comes_again(served, new_client):
    """Of a connection that is over, in both families, and of one that never was."""
    strays = []
    for number, address in enumerate(SERVERS):
        client = new_client(address, number)
        client.answer_to(windows_syn(client, address))
        first = client.segment("PA", REQUEST)
        assert client.answer_to(first).ack == client.next
        close(client)
        strays.append((client, first))
    unknown = new_client(SERVER4, len(strays))
    unknown.service_next = 12345
    strays.append((unknown, unknown.segment("A")))
    served.expect_events(opened(2, closed=2))

    for client, stray in strays:
        client.send(stray)
    served.expect_drops({"spent_cookie": 2, "bad_cookie": 1})
    unknown.expect_silence(STRAY_SECONDS)
    served.expect_events(opened(2, closed=2))
    for client, stray in strays:
        reset = client.answer_to(stray)
        assert (reset.flags, reset.seq) == ("R", stray[TCP].ack)
    served.expect_events(opened(2, closed=2, stray_reset=3))
    served.stop(drops={"spent_cookie": 2, "bad_cookie": 1})
