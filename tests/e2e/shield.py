"""synward as a bump in the wire between two Linux kernels: what the tests of inline mode have in common."""

import dataclasses
import itertools
import pathlib
import re
import socket
import struct
import subprocess
import threading

import namespaces
from endpoint import CLIENT4, CLIENT6, PORT, SERVER4, SERVER6, SERVERS, expect, present
from lab import Lab
from namespaces import Namespace
from synward import Synward

# Frames enough for a receive window of Linux, however late synward is.
DEVICE = "net_af_packet{},iface={},framecnt=4096"

HTTP, HTTPS = 80, 443
CLIENT_OF = {SERVER4: CLIENT4, SERVER6: CLIENT6}


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
            listener = socket.create_server((address, port), family=family_of(address), backlog=128)
        listener.settimeout(10)
        return listener

    def teach(self, *ports: int) -> None:
        """The first connection to a backend passes, and synward learns from it; those that follow it protects."""
        for address, port in itertools.product(SERVERS, ports):
            with self.listen(address, port), self.connect(address, port) as client:
                reset(client)

    def total(self) -> dict:
        return self.synward.stats()["total"]

    def event(self, label: str) -> int:
        return self.total()["events"][label]

    def expect_closed(self) -> None:
        """Both kernels know that all is over."""
        for end in (self.client, self.server):
            namespaces.wait_until(lambda: set(states(end)) <= {"TIME-WAIT"}, f"closed sockets of {end.name}")

    def expect_gauges(self, **expected: int) -> None:
        expect(lambda: {label: self.total()["gauges"][label] for label in expected}, expected)

    def stop(self, *maybe_dropped: str) -> None:
        """Ends synward, which must account for every frame, and have dropped nothing but for these reasons."""
        expect(lambda: present(self.total()["drops"] | dict.fromkeys(maybe_dropped, 0)), {})
        assert "Every frame is accounted for." in self.synward.stop()


def states(namespace: Namespace) -> list[str]:
    """Of all TCP connections that a kernel knows of."""
    lines = namespace.run("ss", "-Htan", "exclude", "listening").splitlines()
    return sorted(line.split()[0] for line in lines)


def listens(namespace: Namespace, port: int) -> bool:
    return namespace.run("ss", "-Htln", f"sport = {port}") != ""


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def read(connection: socket.socket, octets: int) -> bytes:
    """So many, or fewer when the peer closes; each of them within ten seconds."""
    connection.settimeout(10)
    text = b""
    while len(text) < octets and (more := connection.recv(octets - len(text))):
        text += more
    return text


def exchange(client: socket.socket, server: socket.socket, text: bytes = b"text") -> None:
    """First the one speaks and then the other, and each hears what was said."""
    for sender, receiver in ((client, server), (server, client)):
        sender.settimeout(10)
        sending = threading.Thread(target=sender.sendall, args=(text,))  # it may be more than the buffers hold
        sending.start()
        heard = read(receiver, len(text))
        sending.join()
        assert heard == text


def family_of(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def run_wrk(path: Shield, address: str, *words: str, seconds: int) -> int:
    """64 connections; the number of answers, all of which were good ones."""
    command = ["wrk", "-t1", "-c64", f"-d{seconds}s", "--timeout", "5s", *words, f"http://{host(address)}/"]
    said = path.client.run(*command, seconds=seconds + 15)
    assert "Socket errors" not in said and "Non-2xx" not in said, said
    return int(re.search(r"(\d+) requests in", said)[1])


def cabled(lab: Lab, mtu: int = 1500, front: tuple[str, ...] = ()) -> tuple[Namespace, Namespace, Namespace]:
    """The client, the middle between them, and the server, with a cable each to the middle; with `front` the client's has
    these faults. Nothing passes until somebody joins the middle's "outside" and "inside"."""
    client, middle, server = lab.namespace("client"), lab.namespace("synward"), lab.namespace("server")
    if front:
        lab.impaired_wire(client, "near", middle, "outside", *front, mtu=mtu)
    else:
        namespaces.wire(client, "near", middle, "outside", mtu)
    namespaces.wire(server, "back", middle, "inside", mtu)
    client.configure("near", f"{CLIENT4}/24", f"{CLIENT6}/64")
    server.configure("back", f"{SERVER4}/24", f"{SERVER6}/64")
    middle.lend("outside")
    middle.lend("inside")
    return client, middle, server


def shield(
    lab: Lab, text: str = "", mtu: int = 1500, teach: tuple[int, ...] = (PORT,), front: tuple[str, ...] = ()
) -> Shield:
    """Both backends of each port in `teach` are known to synward already."""
    client, middle, server = cabled(lab, mtu, front)
    path = Shield(client, server, middle, lab.synward(middle, text or config()))
    path.teach(*teach)
    return path


WEB = """
daemon off; master_process off; user root; pid nginx.pid; error_log error.log;
events {{ worker_connections 1024; }}
http {{
  access_log access.log; sendfile on; keepalive_requests 1000000; client_max_body_size 100m;
  client_body_temp_path .; proxy_temp_path .; fastcgi_temp_path .; uwsgi_temp_path .; scgi_temp_path .;
  server {{
    {listen}
    ssl_certificate web.crt; ssl_certificate_key web.key; ssl_protocols TLSv1.3;
    root {folder};
    location /put/ {{ dav_methods PUT; }}
  }}
}}
"""


class Web:
    """nginx in a namespace of its own files: / and what else is put in `folder`, /put/ takes what is uploaded."""

    def __init__(self, namespace: Namespace, folder: pathlib.Path):
        self.folder, self._namespace = folder, namespace
        folder.mkdir()
        folder.joinpath("index.html").write_text("hello\n")
        folder.joinpath("put").mkdir()
        hosts = [host(address) for address in (SERVER4, SERVER6)]
        listen = " ".join(f"listen {name}:{HTTP}; listen {name}:{HTTPS} ssl http2;" for name in hosts)
        folder.joinpath("nginx.conf").write_text(WEB.format(folder=folder, listen=listen))
        self.certificate = str(folder / "web.crt")
        words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        words += ["-days", "1", "-subj", "/CN=synward", "-addext", f"subjectAltName=IP:{SERVER4},IP:{SERVER6}"]
        words += ["-keyout", str(folder / "web.key"), "-out", self.certificate]
        subprocess.run(words, check=True, capture_output=True, timeout=namespaces.RUN_SECONDS)
        self.start()

    def start(self) -> None:
        words = ["nginx", "-p", str(self.folder), "-c", "nginx.conf", "-e", "error.log"]
        log = self.folder / "nginx.log"
        with open(log, "w") as out:
            self._process = self._namespace.start(*words, stdout=out, stderr=out)
        namespaces.wait_until(lambda: listens(self._namespace, HTTPS), "nginx to listen", log=log)

    def kill(self) -> None:
        """With SIGKILL: the kernel ends its connections as it must."""
        self._process.kill()
        self._process.wait(namespaces.RUN_SECONDS)
