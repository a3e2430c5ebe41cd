"""A headless Chromium inside a namespace, driven through chromedriver: W3C WebDriver, which is JSON over HTTP."""

import base64
import contextlib
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

from namespaces import LabError, Namespace, wait_until

PORT = 9515  # chromedriver's usual one; each namespace has its own
SECONDS = 20.0
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # which it has not as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-breakpad",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--no-first-run",
)


class Browser:
    """One window, of an operator who does nothing but look: a context manager."""

    def __init__(self, namespace: Namespace, width: int = 1280, height: int = 1000):
        self._namespace = namespace
        self._size = (width, height)
        self._open = contextlib.ExitStack()
        self._session = ""

    def __enter__(self) -> "Browser":
        with contextlib.ExitStack() as stack:
            # What it keeps, its profile too, goes when it does. Not in pytest's folder: that stays.
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="synward-browser-", ignore_cleanup_errors=True))
            log = stack.enter_context(open(pathlib.Path(folder, "chromedriver.log"), "w+"))
            environment = {"PATH": os.environ["PATH"], "HOME": folder, "TMPDIR": folder, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
            driver = self._namespace.start(
                "chromedriver", f"--port={PORT}", stdout=log, stderr=subprocess.STDOUT, env=environment, start_new_session=True
            )
            stack.callback(self._end, driver)
            wait_until(self._is_ready, "chromedriver", SECONDS, pathlib.Path(log.name))
            options = {"args": [*ARGUMENTS, f"--user-data-dir={folder}/profile", "--window-size={},{}".format(*self._size)]}
            wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
            answer = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
            self._session = f"/session/{answer['sessionId']}"
            self.open("about:blank")
            self.requests(), self.complaints()  # its own first page is none of ours
            self._open = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._open.close()

    def _end(self, driver: subprocess.Popen) -> None:
        """In order, if it can; by force in any case."""
        if self._session:
            with contextlib.suppress(LabError, OSError, http.client.HTTPException):
                self._ask("DELETE", self._session)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(driver.pid, signal.SIGKILL)
        driver.wait(SECONDS)

    def _ask(self, method: str, target: str, body: dict | None = None) -> object:
        with self._namespace.entered():
            connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=SECONDS)
            connection.connect()
        with contextlib.closing(connection):
            connection.request(method, target, None if body is None else json.dumps(body))
            value = json.loads(connection.getresponse().read())["value"]
        if isinstance(value, dict) and "error" in value:
            raise LabError(f"chromedriver, {method} {target}: {value['error']}: {value['message']}")
        return value

    def _is_ready(self) -> bool:
        try:
            return self._ask("GET", "/status")["ready"]
        except ConnectionRefusedError:
            return False

    def open(self, url: str) -> None:
        self._ask("POST", f"{self._session}/url", {"url": url})

    def command(self, name: str, **parameters: object) -> object:
        """One of the DevTools protocol."""
        return self._ask("POST", f"{self._session}/goog/cdp/execute", {"cmd": name, "params": parameters})

    def run(self, script: str, *arguments: object) -> object:
        """What the body of a function, `script`, returns inside the page; `arguments` are its own."""
        return self._ask("POST", f"{self._session}/execute/sync", {"script": script, "args": arguments})

    def text(self, selector: str) -> str:
        """What a person reads there, without empty lines; nothing where there is no such place."""
        return re.sub("\n+", "\n", self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector))

    def wait_for(self, selector: str, pattern: str, seconds: float = SECONDS) -> str:
        """Until the text there has it; returns the text."""
        deadline = time.monotonic() + seconds
        while not re.search(pattern, text := self.text(selector), re.MULTILINE):
            if time.monotonic() > deadline:
                raise LabError(f"waited in vain for {pattern!r} in {selector}, there is:\n{text}\nand in all:\n{self.text('body')}")
            time.sleep(0.05)
        return text

    def requests(self) -> list[str]:
        """The addresses of what was asked for since the last call."""
        entries = self._ask("POST", f"{self._session}/se/log", {"type": "performance"})
        messages = [json.loads(entry["message"])["message"] for entry in entries]
        return [message["params"]["request"]["url"] for message in messages if message["method"] == "Network.requestWillBeSent"]

    def complaints(self) -> list[str]:
        """What stands in the console since the last call: errors, and what the Content-Security-Policy refused."""
        return [entry["message"] for entry in self._ask("POST", f"{self._session}/se/log", {"type": "browser"})]

    def press(self, key: str) -> None:
        text = {"Enter": {"text": "\r"}}.get(key, {})
        self.command("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode={"Tab": 9, "Enter": 13}[key], **text)
        self.command("Input.dispatchKeyEvent", type="keyUp", key=key, code=key)

    def look_like(self, width: int, colors: str) -> None:
        """A screen so many pixels wide, of somebody who prefers "light" or "dark"."""
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": colors}])

    def screenshot(self, path: pathlib.Path) -> None:
        """Of the whole page, however high."""
        path.write_bytes(base64.b64decode(self.command("Page.captureScreenshot", captureBeyondViewport=True)["data"]))
