"""synward as a bump in the wire between two Linux kernels: what the tests of inline mode have in common."""

import dataclasses
import socket

import namespaces
from endpoint import CLIENT4, CLIENT6, PORT, SERVER4, SERVER6, expect, present
from lab import Lab
from namespaces import Namespace
from synward import Synward

# Frames enough for a receive window of Linux, however late synward is.
DEVICE = "net_af_packet{},iface={},framecnt=4096"


def config(*, lcores: str = "1", inside: str = DEVICE.format(1, "inside"), queues: str = "", port: str = "", service: str = "", ports: tuple[int, ...] = (PORT,)) -> str:
    """Both families; `queues` belongs to the devices, `port` is TOML of both ports, `service` of all services."""
    outside = DEVICE.format(0, "outside")
    text = f'[workers]\nlcores = "{lcores}"\n'
    for name, device in (("outside", outside), ("inside", inside)):
        text += f'[[port]]\nname = "{name}"\ndevice = "{device}{queues}"\n{port}\n'
    for family, address in (("four", SERVER4), ("six", SERVER6)):
        for number in ports:
            text += f'[[service]]\nname = "{family}-{number}"\naddress = "{address}"\nport = {number}\n{service}\n'
    return text


@dataclasses.dataclass
class Shield:
    """A client, synward in the middle, and the server that it protects; both kernels are in one subnet."""

    client: Namespace
    server: Namespace
    middle: Namespace
    synward: Synward

    def connect(self, address: str, port: int = PORT) -> socket.socket:
        with self.client.entered():
            return socket.create_connection((address, port), timeout=10)

    def listen(self, address: str, port: int = PORT) -> socket.socket:
        """A listening socket of the server; accept() in the test's own time, within ten seconds."""
        with self.server.entered():
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            listener = socket.create_server((address, port), family=family, backlog=128)
        listener.settimeout(10)
        return listener

    def total(self) -> dict:
        return self.synward.stats()["total"]

    def event(self, label: str) -> int:
        return self.total()["events"][label]

    def expect_gauges(self, **expected: int) -> None:
        expect(lambda: {label: self.total()["gauges"][label] for label in expected}, expected)

    def stop(self, drops: dict[str, int] | None = None) -> None:
        """Ends synward, which must account for every frame, and have dropped nothing but what `drops` says."""
        expect(lambda: present(self.total()["drops"]), drops or {})
        assert "Every frame is accounted for." in self.synward.stop()


def shield(lab: Lab, text: str = "", mtu: int = 1500) -> Shield:
    client, middle, server = lab.namespace("client"), lab.namespace("synward"), lab.namespace("server")
    namespaces.wire(client, "near", middle, "outside", mtu)
    namespaces.wire(server, "back", middle, "inside", mtu)
    client.configure("near", f"{CLIENT4}/24", f"{CLIENT6}/64")
    server.configure("back", f"{SERVER4}/24", f"{SERVER6}/64")
    middle.lend("outside")
    middle.lend("inside")
    return Shield(client, server, middle, lab.synward(middle, text or config()))
