"""Metrics: what promtool says of them, and a Prometheus that scrapes them."""

import json
import os
import pathlib
import subprocess
import urllib.parse

from endpoint import SERVERS, Endpoint, config, expect, flood, opened, over_veth
from lab import Lab
from namespaces import wait_until
from shield import exchange, shield

AT = "127.0.0.1:9464"
CONFIG = pathlib.Path(__file__).resolve().parents[2] / "config"


def endpoint(lab: Lab) -> Endpoint:
    return over_veth(lab, config() + f'[control]\nmetrics = "{AT}"\n')


def connect_once(node: Endpoint) -> None:
    for address in SERVERS:
        node.connect(address).close()
    node.expect_events(opened(2, closed=2))


def get(node: Endpoint, target: str, *words: str) -> str:
    return node.synward.namespace.run("curl", "-sS", "--max-time", "5", *words, f"http://{AT}{target}")


def test_promtool_finds_nothing_wrong(lab: Lab) -> None:
    node = endpoint(lab)
    connect_once(node)
    text = get(node, "/metrics")
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=20)
    assert (checked.stdout + checked.stderr, checked.returncode) == ("", 0)
    lines = text.splitlines()
    assert 'synward_syn_answered_total{core="0"} 2' in lines
    assert 'synward_port_link_up{port="outside"} 1' in lines
    assert "Linux: SyncookiesSent" in text and "Linux: SyncookiesRecv" in text and "Linux: SyncookiesFailed" in text
    bursts = next(float(line.split()[1]) for line in lines if line.startswith("synward_burst_cycles_count"))
    assert 0 < bursts <= node.total()["bursts"]
    node.stop()


def backend_down(minutes: int, handshakes: str, refusals: str = "0x40", silences: str = "0x40") -> dict:
    """What promtool is to check: after so long SynwardBackendDown tells of a backend with these counts at each scrape,
    none of which sees it down."""
    labels = {"backend": "198.18.0.10:443", "instance": "edge"}
    numbers = {"up": "1x40", "handshakes_total": handshakes, "refusals_total": refusals, "silences_total": silences}
    text = ",".join(f'{name}="{value}"' for name, value in labels.items())
    series = [{"series": f"synward_backend_{name}{{{text}}}", "values": values} for name, values in numbers.items()]
    summary = "edge: 198.18.0.10:443 refuses every client, or answers none"
    alert = {"exp_labels": labels | {"severity": "warning"}, "exp_annotations": {"summary": summary}}
    expected = {"eval_time": f"{minutes}m", "alertname": "SynwardBackendDown", "exp_alerts": [alert]}
    return {"interval": "15s", "input_series": series, "alert_rule_test": [expected]}


def quiet(test: dict) -> dict:
    """The same, but nobody is told."""
    test["alert_rule_test"][0]["exp_alerts"] = []
    return test


def test_a_backend_that_lets_nobody_through_alerts_though_no_scrape_sees_it_down(tmp_path: pathlib.Path) -> None:
    tests = [
        backend_down(4, "7x40", refusals="0+15x40"),
        backend_down(4, "7x40", refusals="0+0x1 0 0 1 1 2 2 3 3 4 4 5 5 6 6 7 7 8 8"),  # a client every half minute
        backend_down(4, "7x40", silences="0+1x40"),
        quiet(backend_down(4, "0+1x40", refusals="0+15x40")),  # it refuses some
        quiet(backend_down(4, "7x40")),  # nobody comes
        quiet(backend_down(1, "7x40", refusals="0+15x40")),  # not for long
        quiet(backend_down(9, "7x15 7+1x20", refusals="0+15x15 225x20")),  # it was, and is no more
    ]
    rules = tmp_path / "rules.json"  # YAML as well
    relative = os.path.relpath(CONFIG / "prometheus" / "alerts.yml", tmp_path)
    rules.write_text(json.dumps({"rule_files": [relative], "evaluation_interval": "15s", "tests": tests}))
    checked = subprocess.run(["promtool", "test", "rules", rules], capture_output=True, text=True, timeout=20)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_metrics_and_stats_say_the_same(lab: Lab) -> None:
    node = endpoint(lab)
    connect_once(node)
    stats = json.loads(get(node, "/stats"))
    assert stats["total"]["events"] == node.total()["events"]
    lines = get(node, "/metrics").splitlines()
    for label, count in stats["total"]["events"].items():
        assert f'synward_{label}_total{{core="0"}} {count}' in lines
    for label, count in stats["total"]["drops"].items():
        if label == "icmp_ignored":  # Linux looks for routers when it likes
            continue
        assert f'synward_drops_total{{core="0",reason="{label}"}} {count}' in lines
    node.stop()


def test_nothing_but_reading_is_served(lab: Lab) -> None:
    node = endpoint(lab)
    for target, words, code in (
        ("/page.html", (), 404),
        ("/", ("-X", "POST"), 405),
        ("/metrics", ("-X", "POST"), 405),
        ("/ports/0/reset", ("-X", "POST"), 404),
        ("/../etc/passwd", ("--path-as-is",), 404),
    ):
        assert get(node, target, *words, "-o", "/dev/null", "-w", "%{http_code}") == str(code), target
    node.stop()


def test_backends_are_timed(lab: Lab) -> None:
    path = shield(lab)
    for address in SERVERS * 3:
        with path.listen(address) as listener, path.connect(address) as client:
            server, _ = listener.accept()
            with server:
                exchange(client, server)
    total = path.total()
    established = total["events"]["backend_established"]
    for label in ("backend_established", "backend_round_trip"):
        timing = total["timings"][label]
        assert sum(timing["counts"]) == established == 6, label
        assert timing["sum"] < established * 1_000_000, "no SYN was repeated, so each took less than a second"
    busy, idle = total["busy_cycles"], total["idle_cycles"]
    assert 0 < busy < idle, "six connections are little work"
    path.expect_closed()
    path.stop()


def test_whoever_floods_and_whoever_is_flooded_is_known(lab: Lab) -> None:
    node = endpoint(lab)
    count = 2000
    for source, flags in (("198.18.77.1", "S"), ("198.18.78.1", "A")):
        flood(lab, node, source, flags, count)
    expect(lambda: node.total()["events"]["syn_answered"], count)
    expect(lambda: node.total()["drops"]["bad_cookie"], count)
    stats = node.synward.stats()
    assert [(s["name"], s["syns"], s["cookies_bad"]) for s in stats["services"]] == [("four", count, count), ("six", 0, 0)]
    for kind, prefix in (("syns", "198.18.77.0/24"), ("bad_cookies", "198.18.78.0/24")):
        (talker,) = stats["talkers"][kind]
        assert talker["prefix"] == prefix
        assert abs(talker["count"] - count) < 5 * (count * 64) ** 0.5, "five deviations"
    assert f'synward_service_syns_total{{service="four"}} {count}' in get(node, "/metrics").splitlines()
    text = node.synward.stop()
    assert f"four            198.18.0.10 port 443          0 connections; {count} SYNs, 0 valid cookies, {count} bad ones" in text
    assert "Most SYNs, of the last minute, about:\n" in text


class Prometheus:
    """One that scrapes `node` every second, and has our alert rules."""

    def __init__(self, node: Endpoint, folder: pathlib.Path):
        self._namespace = node.synward.namespace
        wanted = folder / "prometheus.yml"
        wanted.write_text(
            f"rule_files: ['{CONFIG}/prometheus/alerts.yml']\n"
            "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n"
            f"scrape_configs: [{{job_name: synward, static_configs: [{{targets: ['{AT}']}}]}}]\n"
        )
        words = [f"--config.file={wanted}", f"--storage.tsdb.path={folder}/data", "--web.listen-address=127.0.0.1:9090"]
        with open(folder / "prometheus.log", "w") as log:
            self._namespace.start("prometheus", *words, stdout=log, stderr=subprocess.STDOUT)

    def ask(self, target: str, **parameters: str) -> dict | list:
        """What its API answers; nothing while it does not answer yet."""
        url = f"http://127.0.0.1:9090/api/v1/{target}?" + urllib.parse.urlencode(parameters)
        answer = self._namespace.run("curl", "-s", "--max-time", "5", url, check=False)
        if not answer.startswith("{"):
            return {}
        said = json.loads(answer)
        assert said["status"] == "success", f"{parameters}: {said}"
        return said["data"]

    def values(self, query: str) -> list[float]:
        return [float(result["value"][1]) for result in self.ask("query", query=query).get("result", [])]


def test_prometheus_scrapes_it_and_knows_our_rules_and_panels(lab: Lab, tmp_path: pathlib.Path) -> None:
    node = endpoint(lab)
    prometheus = Prometheus(node, tmp_path)
    wait_until(lambda: prometheus.values('up{job="synward"}') == [1], "Prometheus to scrape", 30)
    connect_once(node)
    wait_until(lambda: prometheus.values("sum(synward_syn_answered_total)") == [2], "it to see the SYNs", 10)
    (quantile,) = prometheus.values("histogram_quantile(0.5, sum by (le) (synward_burst_cycles_bucket))")
    assert quantile > 0
    (group,) = prometheus.ask("rules")["groups"]
    assert len(group["rules"]) == 9 and not [rule for rule in group["rules"] if "lastError" in rule]
    dashboard = json.loads((CONFIG / "prometheus" / "grafana.json").read_text())
    without = {"Backends", "Wait for backends", "Drops by reason"}  # an endpoint has no backend, and there may be no drop
    for panel in dashboard["panels"]:
        found = []
        for target in panel["targets"]:
            query = target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".*")
            found += prometheus.values(query)
        assert found or panel["title"] in without, panel["title"]
    node.synward.stop()
    pending = 'ALERTS{alertname="SynwardGone",alertstate="pending"}'
    wait_until(lambda: prometheus.values(pending) == [1], "the alert that synward is gone", 10)
