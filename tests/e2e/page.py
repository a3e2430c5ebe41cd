"""The page at [control] metrics in a browser, and a server that shows it with answers of its own."""

import contextlib
import http.client
import http.server
import json
import threading
from collections.abc import Iterator

from browser import Browser
from endpoint import Endpoint, config, over_veth
from lab import Lab
from namespaces import Namespace

AT = "127.0.0.1:9464"
CONTROL = f'[control]\nmetrics = "{AT}"\n'


def endpoint(lab: Lab) -> Endpoint:
    return over_veth(lab, config() + CONTROL)


@contextlib.contextmanager
def page(namespace: Namespace, at: str = AT) -> Iterator[Browser]:
    with Browser(namespace) as browser:
        browser.open(f"http://{at}/")
        browser.wait_for("#about", r"^\d+\.\d+\.\d+ · ")
        yield browser


def get(namespace: Namespace, target: str) -> tuple[http.client.HTTPMessage, bytes]:
    with namespace.entered():
        connection = http.client.HTTPConnection(AT, timeout=10)
        connection.connect()
    with contextlib.closing(connection):
        connection.request("GET", target)
        answer = connection.getresponse()
        return answer.headers, answer.read()


class Pretender(http.server.ThreadingHTTPServer):
    """Serves the page of a synward, and answers the page's questions as the test likes."""

    def __init__(self, namespace: Namespace):
        self.headers, self.html = get(namespace, "/")
        self.stats, self.health = (json.loads(get(namespace, target)[1]) for target in ("/stats", "/health"))
        self.asked: set[str] = set()
        with namespace.entered():
            super().__init__(("127.0.0.1", 9000), _Answer)
        self._thread = threading.Thread(target=self.serve_forever)

    def __enter__(self) -> "Pretender":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Answer(http.server.BaseHTTPRequestHandler):
    server: Pretender

    def do_GET(self) -> None:
        self.server.asked.add(self.path)
        body = {"/": self.server.html, "/stats": json.dumps(self.server.stats).encode(), "/health": json.dumps(self.server.health).encode()}
        self.send_response(200 if self.path in body else 404)
        for name in ("Content-Type", "Content-Security-Policy"):
            self.send_header(name, self.server.headers[name] if self.path == "/" else "application/json")
        self.end_headers()
        self.wfile.write(body.get(self.path, b""))

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""
