"""The page at [control] metrics, as a browser shows it: what an operator reads, what the browser asks for, and what it refuses."""

import json
import os
import pathlib
import re
import signal
import subprocess
from collections.abc import Iterator

import pytest

from browser import Browser
from endpoint import PORT, SERVERS, config, expect, flood, over_veth
from lab import Lab
from namespaces import wait_until
from page import AT, CONTROL, Pretender, endpoint, get, page
from synward import binary

pytestmark = pytest.mark.alone  # a browser is the largest program here

HOSTILE = "<img src=x onerror=\"window.executed='yes'\"><script>window.executed='yes'</script>"
PICTURES = pathlib.Path(binary()).parent / "test-results"  # kept there for who wants to look
TOP_CASES = pathlib.Path(__file__).resolve().parents[1] / "unit" / "control" / "top_history_test.cpp"


def test_it_shows_what_came_and_asks_for_nothing_but_the_numbers(lab: Lab) -> None:
    node = endpoint(lab)
    with page(node.synward.namespace) as browser:
        browser.wait_for("#health", "^Healthy$")
        for _ in range(5):
            node.connect(SERVERS[0]).close()
        flood(lab, node, "198.18.77.1", "S", 1500)
        wait_until(lambda: node.total()["events"]["syn_answered"] >= 1505, "the SYNs")
        flood(lab, node, "198.18.78.1", "A", 1500)
        expect(lambda: node.total()["drops"]["bad_cookie"], 1500)
        answered = node.total()["events"]["syn_answered"]
        browser.wait_for("#syn_ack_out-all", f"^{answered:,}$")
        browser.wait_for("#syn_in-all", f"^{answered:,}$")
        browser.wait_for("#valid", "in all 5$")
        browser.wait_for("#established", "in all 5$")
        browser.wait_for("#invalid", "in all 1,500$")
        browser.wait_for("#drops", r"^bad_cookie\nsegment of no connection that carries no cookie of ours .*\n\s*\d.*\s1,500$")
        browser.wait_for("#services", rf"^four flooded\n{SERVERS[0]}:{PORT}")
        browser.wait_for("#warnings", "^Under flood: four$")
        browser.wait_for("#talk-syns", r"^198\.18\.77\.0/24")
        browser.wait_for("#talk-bad_cookies", r"^198\.18\.78\.0/24")
        assert browser.text("#talk-resets") == "nobody stands out"
        browser.wait_for("#cores", r"^0\n\d+ %$")
        browser.wait_for("#ports", "^outside up\n.*net_af_packet · 1 queue · RSS none$")
        browser.wait_for("#syn_in-peak", r"^\d{3,4}$|k$")
        browser.wait_for("#syn_ack_out-now", "^0$")
        # The moment of the most touches the top of the figure, at 0.
        assert re.search(r"[ML]\d+ 0\.0", browser.run("return document.querySelector('#syns-chart .out .line').getAttribute('d')"))
        assert browser.run("return document.title").startswith("Healthy · 0 SYN/s")
        asked = {address for address in browser.requests() if not address.startswith("data:")}
        assert asked == {f"http://{AT}{target}" for target in ("/", "/stats", "/health")}
        assert browser.complaints() == []
        PICTURES.mkdir(exist_ok=True)
        for width, name in ((1280, "desk"), (400, "phone")):
            browser.look_like(width, "light")
            browser.screenshot(PICTURES / f"page-{name}.png")
    assert "Every frame is accounted for." in node.synward.stop()


def test_a_name_that_is_html_stays_text(lab: Lab) -> None:
    text = config().replace('name = "four"', f"name = '''{HOSTILE}'''")
    node = over_veth(lab, text + CONTROL)
    with page(node.synward.namespace) as browser:
        assert browser.wait_for("#services .name", "img") == HOSTILE
        assert browser.run("return [window.executed, document.querySelectorAll('img, #services script').length]") == [None, 0]
        assert browser.complaints() == []


def hostile(value: object) -> object:
    """Every text of an answer, whoever may choose it; what the page looks for by name stays."""
    if isinstance(value, dict):
        return {key: hostile(item) for key, item in value.items()}
    if isinstance(value, list):
        return [hostile(item) for item in value]
    return HOSTILE if isinstance(value, str) else value


def test_an_answer_full_of_html_stays_text(lab: Lab) -> None:
    namespace = endpoint(lab).synward.namespace
    with Pretender(namespace) as pretender:
        talker = {"prefix": HOSTILE, "count": 9}
        backend = {"address": HOSTILE, "port": 1, "down": True, "handshakes": 1, "refusals": 2, "silences": 3}
        pretender.stats |= {"talkers": {kind: [talker] for kind in ("syns", "bad_cookies", "resets")}, "backends": [backend]}
        for counts in (pretender.stats["total"][kind] for kind in ("drops", "events", "gauges")):
            counts[HOSTILE] = 5
        pretender.stats["ports"][0]["rx_missed"] = 7
        version = pretender.stats["version"]
        pretender.stats = hostile(pretender.stats) | {"version": version}
        pretender.health = {"healthy": False, "reasons": [HOSTILE]}
        with page(namespace, "127.0.0.1:9000") as browser:
            assert browser.wait_for("#health", "^Not healthy") == f"Not healthy\n{HOSTILE}"
            for place in ("#drops", "#services", "#talkers", "#backends", "#ports", "#losses"):
                browser.wait_for(place, re.escape(HOSTILE))
            assert browser.run("return [window.executed, document.querySelectorAll('img, main script').length]") == [None, 0]
            assert browser.complaints() == []
            assert pretender.asked == {"/", "/stats", "/health"}


def test_a_browser_refuses_what_is_not_the_page_s_own(lab: Lab) -> None:
    namespace = endpoint(lab).synward.namespace
    headers, _ = get(namespace, "/")
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; connect-src 'self'; ") and "unsafe" not in policy and "*" not in policy
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    with page(namespace) as browser:
        for attempt in (
            f"document.body.innerHTML = {json.dumps(HOSTILE)}",
            "setTimeout(\"window.executed = 'yes'\", 0)",
            "const script = document.createElement('script'); script.text = \"window.executed = 'yes'\"; document.body.append(script)",
        ):
            assert "TrustedScript" in browser.run(f"try {{ {attempt} }} catch (error) {{ return 'TrustedScript: ' + error }}") or ""
        assert "Failed to fetch" in browser.run("return fetch('http://127.0.0.2:9464/').catch(String)")
        assert browser.run("return window.executed") is None
        assert len(browser.complaints()) >= 3


def test_a_synward_that_is_gone_is_told_and_one_that_comes_back_is_shown(lab: Lab) -> None:
    node = endpoint(lab)
    node.connect(SERVERS[0]).close()
    with page(node.synward.namespace) as browser:
        browser.wait_for("#health", "^Healthy$")
        browser.wait_for("#syn_ack_out-all", "^1$")
        os.kill(node.synward.process.pid, signal.SIGKILL)
        browser.wait_for("#health", r"^No answer since [2-9] s; what is below was then\nFailed to fetch$")
        assert browser.run("return [document.title, document.body.className]") == ["No answer · synward", "lost"]
        assert browser.text("#syn_ack_out-all") == "1"
        lab.synward(node.synward.namespace, config() + CONTROL, name="second")
        browser.wait_for("#health", "^Healthy$")
        browser.wait_for("#syn_ack_out-all", "^0$")
        rates = browser.run("return past.rates.syn_ack_out")
        assert None in rates and not [rate for rate in rates if rate not in (None, 0)]


def test_draining_is_told(lab: Lab) -> None:
    node = endpoint(lab)

    def drain(*words: str) -> None:
        subprocess.run([binary(), "drain", *words, "--socket", str(node.synward.socket)], check=True, capture_output=True, timeout=20)

    with page(node.synward.namespace) as browser:
        drain()
        browser.wait_for("#health", "^Draining no new connections; 0 left$")
        assert browser.run("return document.title").startswith("Draining · ")
        drain("--undo")
        browser.wait_for("#health", "^Healthy$")


@pytest.fixture
def still(lab: Lab) -> Iterator[tuple[Browser, dict]]:
    """The page with what a synward said last; from now on tests answer, with `show`."""
    node = endpoint(lab)
    with page(node.synward.namespace) as browser:
        browser.run("asking = true")
        yield browser, node.synward.stats()


class Story:
    """Answers of a synward one after another, and what becomes of them."""

    def __init__(self, browser: Browser, stats: dict):
        self._browser, self.stats = browser, stats
        browser.run("window.story = new History()")

    def answer(self, uptime_s: float, syn_answered: int, at_s: float) -> None:
        self.stats["uptime_s"] = uptime_s
        self.stats["total"]["events"]["syn_answered"] = self.stats["total"]["rx"] = syn_answered
        self._browser.run("story.add(arguments[0], arguments[1])", self.stats, at_s)

    def rates(self) -> list[float | None]:
        return [rate if rate is None else round(rate, 6) for rate in self._browser.run("return story.rates.syn_ack_out")]


def test_rates_are_those_of_synward_top(still: tuple[Browser, dict]) -> None:
    story = Story(*still)
    browser, _ = still
    story.answer(5, 1000, 105)
    assert story.rates() == []
    story.answer(7, 1900, 106)
    assert story.rates() == [450], "of the time that passed there"
    browser.run("story.add_silence('nobody', 107)")
    story.answer(9, 2000, 108)
    assert story.rates() == [450, None, 50]
    story.answer(12, 2300, 111)
    assert story.rates()[3:] == [100] * 3, "what nobody looked at grew evenly"
    story.answer(0.8, 400, 112)
    assert story.rates()[6:] == [500], "another, which counted from zero"
    story.answer(60, 300, 172)
    assert story.rates()[7:] == [None] * 59 + [5], "yet another, of before which nothing is known"
    story.answer(600, 3000, 712)
    assert story.rates() == [5] * 300
    with pytest.raises(Exception, match='what answers has no \\\\?"syn_answered\\\\?"'):
        browser.run("arguments[0].total.events = {}; story.add(arguments[0], 713)", story.stats)
    assert story.rates() == [5] * 300


def test_services_go_through_the_states_of_synward_top(still: tuple[Browser, dict]) -> None:
    cases = re.findall(r'\{"(\w+)", k(\w+), ([\d.]+), ([\d.]+), k(\w+)\}', TOP_CASES.read_text())
    assert len(cases) >= 13
    for name, before, syns_per_s, valid_per_s, after in cases:
        became = still[0].run("return next_state(...arguments)", before.lower(), float(syns_per_s), float(valid_per_s))
        assert became == after.lower(), name


def test_figures_are_written_as_in_synward_top(still: tuple[Browser, dict]) -> None:
    cases = {0: "0", 0.04: "0", 3: "3", 9.96: "10", 9999.4: "9999", 9999.6: "10.0k", 99_951: "100k", 999_500: "1.00M", 1.8e19: "18.0E"}
    assert still[0].run("return arguments[0].map(compact)", list(cases)) == list(cases.values())
    assert still[0].run("return [59.9, 60, 61, 11527, 8640000].map(duration)") == ["59 s", "1 min", "1 min 1 s", "3 h 12 min", "100 d 0 h"]


GROW = """
  const [stats, first, last] = arguments;
  for (let i = first; i < last; ++i) {
    stats.uptime_s = stats.total.rx = i;
    stats.total.events.syn_answered = stats.total.drops.bad_cookie = i * (i % 7);
    const counts = { syns: i * 500, cookies_valid: 0, cookies_bad: 0 };
    const service = (_, n) => ({ name: `${i - (i % 50)}-${n}`, address: "198.18.0.1", port: n, ...counts });
    stats.services = Array.from({ length: i % 30 }, service);
    stats.talkers = { syns: Array.from({ length: i % 10 }, (_, n) => ({ prefix: `198.18.${i % 256}.${n}/24`, count: 11 - n })) };
    if (i % 20 === 0) past.add_silence("nobody", 1e6 + i);
    show(structuredClone(stats), { healthy: i % 3 > 0, reasons: i % 3 > 0 ? [] : [`because of ${i}`] }, 1e6 + i);
  }
  return document.querySelectorAll("*").length;
"""


def test_it_does_not_grow_however_long_it_is_open(still: tuple[Browser, dict]) -> None:
    browser, stats = still

    def heap_bytes() -> int:
        browser.command("HeapProfiler.collectGarbage")
        return browser.command("Runtime.getHeapUsage")["usedSize"]

    elements = browser.run(GROW, stats, 1_000, 1_500)
    before = heap_bytes()
    assert browser.run(GROW, stats, 1_500, 3_000) == elements
    assert heap_bytes() - before < 300_000, "200 bytes for each answer"
    series = browser.run("return [...Object.values(past.rates), ...Object.values(past.fill), ...past.cores].map((s) => s.length)")
    assert set(series) == {300}
    assert browser.complaints() == []


def test_it_fits_a_phone_and_the_dark_and_wants_no_mouse(still: tuple[Browser, dict]) -> None:
    browser, stats = still
    services = [{"name": f"a-service-with-a-name-{n}", "address": "2001:2::10", "port": n} for n in range(30)]
    stats["services"] = [service | {"syns": 0, "cookies_valid": 0, "cookies_bad": 0} for service in services]
    stats["talkers"]["syns"] = [{"prefix": "2001:db8:1234:5678::/64", "count": 123_456}]
    stats["uptime_s"] += 100
    browser.run("show(arguments[0], { healthy: true, reasons: [] }, 1e6)", stats)
    backgrounds = set()
    for width in (1280, 800, 400, 320):
        for colors in ("light", "dark"):
            browser.look_like(width, colors)
            assert browser.run("return document.documentElement.scrollWidth") <= width, f"{width} pixels"
            backgrounds.add(browser.run("return getComputedStyle(document.body).backgroundColor"))
    assert len(backgrounds) == 2
    assert browser.run("return document.querySelectorAll('#services tr').length") == 10
    reached = []
    for _ in range(5):
        browser.press("Tab")
        reached.append(browser.run("return document.activeElement.innerText"))
        if len(reached) < 3:
            browser.press("Enter")
    assert reached == ["all 30", "Everything else that is counted", "metrics", "stats", "health"]
    assert browser.run("return document.querySelectorAll('#services tr').length") == 30
    assert "connections over IPv4, until the end of TIME-WAIT" in browser.text("#gauges")


def test_nothing_of_a_browser_is_left(lab: Lab) -> None:
    namespace = lab.namespace("browser")
    with Browser(namespace) as browser:
        browser.open("about:blank")
        (folder,) = {word.split("=", 1)[1] for word in namespace.run("ps", "-Awwo", "args").split() if word.startswith("--user-data-dir=")}
        assert pathlib.Path(folder).is_dir()
    expect(lambda: subprocess.run(["ip", "netns", "pids", namespace.name], capture_output=True, text=True, timeout=10).stdout, "")
    assert not pathlib.Path(folder).parent.exists()
