"""Host mode: outside a cable, inside a TAP, and behind it this machine's own kernel as the backend."""

import pytest

import namespaces
from endpoint import CLIENT4, CLIENT6, PORT, SERVER4, SERVER6, SERVERS
from lab import Lab
from shield import Shield, config, exchange


@pytest.mark.parametrize("address", SERVERS)
def test_the_machines_own_kernel_is_the_backend(lab: Lab, address: str) -> None:
    client, host = lab.namespace("client"), lab.namespace("host")
    namespaces.wire(client, "near", host, "outside")
    client.configure("near", f"{CLIENT4}/24", f"{CLIENT6}/64")
    host.lend("outside")
    synward = lab.synward(host, config(inside="net_tap0,iface=synward0"))
    host.configure("synward0", f"{SERVER4}/24", f"{SERVER6}/64")
    path = Shield(client, host, host, synward)
    client.run("ping", "-c1", "-W2", address)  # what concerns no service passes
    for _ in range(2):  # the first teaches what the kernel offers
        with path.listen(address, PORT) as listener, path.connect(address) as near:
            far, _ = listener.accept()
            with far:
                exchange(near, far, b"text" * 10_000)
    assert path.event("promoted") == path.event("backend_established") == 1
    assert "Every frame is accounted for." in synward.stop()
