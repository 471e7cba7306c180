"""Alert rules fire, and a person hears of them: with the real Prometheus and Alertmanager."""

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from factories.outage import until

from mycovigil_local.port import free_port

HERE = Path(__file__).resolve().parents[2] / "deploy" / "prometheus"
RULES = [
    rule
    for group in yaml.safe_load((HERE / "rules.yml").read_text())["groups"]
    for rule in group["rules"]
]
DASHBOARD = "https://watch.example"
# Minutes that a rule may wait, and the moment at which it must have fired.
MINUTES = 20
# What makes each rule fire: a series, a sample a minute.
FIRING = {
    "NightNotJudged": ("mycovigil_last_judged_timestamp_seconds", "-300000+0x60"),
    "PartitionsRunOut": ("mycovigil_partition_days_ahead", "1+0x60"),
    "EventsStuck": ("mycovigil_outbox_oldest_seconds", "301+0x60"),
    "PredictionsSpooled": ("mycovigil_predictor_spool_rows", "1+0x60"),
    "NoModelServed": ("mycovigil_predictor_model_info", "_x60"),
    "SpoolFilling": ("mycovigil_predictor_spool_rows", "90+0x60"),
    "PartitionMissing": ("mycovigil_predictor_days_without_partition", "1+0x60"),
    "RowsSetAside": ("mycovigil_predictor_set_aside_rows", "1+0x60"),
    "RateLimitsLocal": ("mycovigil_predictor_limit_failures_total", "0+1x60"),
    "IncidentOpen": ("mycovigil_incidents_unresolved", "1+0x60"),
    "IncidentCritical": ("mycovigil_incidents_critical", "1+0x60"),
    "CertificateVoid": ("mycovigil_certificate_void", "1+0x60"),
    "NightFailed": ("mycovigil_nights_failed", "1+0x60"),
    "RetrainFailed": ("mycovigil_retrains_failed", "1+0x60"),
    "CandidateRefused": ("mycovigil_candidates_refused", "1+0x60"),
    "AnswersStopped": ("mycovigil_answers_stopped", "1+0x60"),
    "DatabaseAway": ("mycovigil_database_up", "0+0x60"),
    "ServiceDown": ("up", "0+0x60"),
}
HEALTHY = {name: "0+0x60" for name, _ in FIRING.values()} | {
    "mycovigil_last_judged_timestamp_seconds": "0+0x60",
    "mycovigil_partition_days_ahead": "30+0x60",
    "mycovigil_predictor_spool_limit_rows": "100+0x60",
    "mycovigil_predictor_model_info": "1+0x60",
    "mycovigil_database_up": "1+0x60",
    "up": "1+0x60",
    "mycovigil_night_seconds": "86400+0x60",
    f'mycovigil_dashboard_info{{url="{DASHBOARD}"}}': "1+0x60",
}


def tool(name: str) -> str:
    """The path of a program; skips aloud where it is not installed."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: prometheus, prometheus-alertmanager)")
    return found


def ran(*command: str) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_configuration_is_valid(tmp_path: Path) -> None:
    config = yaml.safe_load((HERE / "prometheus.yml").read_text())
    config["rule_files"] = [str(HERE / "rules.yml")]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    assert f"{len(RULES)} rules" in ran(tool("promtool"), "check", "rules", str(HERE / "rules.yml"))
    ran(tool("promtool"), "check", "config", str(tmp_path / "prometheus.yml"))
    ran(tool("amtool"), "check-config", str(HERE / "alertmanager.yml"))


def test_each_rule_fires_on_its_trouble_alone(tmp_path: Path) -> None:
    assert {rule["alert"] for rule in RULES} == set(FIRING)
    cases = [_case(rule) for rule in RULES]
    healthy = [{"eval_time": f"{MINUTES}m", "alertname": rule["alert"]} for rule in RULES]
    cases.append({"interval": "1m", "input_series": _series(HEALTHY), "alert_rule_test": healthy})
    _passes(tmp_path, cases)


def test_a_night_of_a_week_is_not_late_after_three_days(tmp_path: Path) -> None:
    """``time()`` begins at 0: the last night ended three days, or 15 days, before it."""
    judged, week = "mycovigil_last_judged_timestamp_seconds", 7 * 86_400
    late = _case(next(rule for rule in RULES if rule["alert"] == "NightNotJudged"))
    night = {"series": "mycovigil_night_seconds", "values": f"{week}+0x60"}
    cases, changed = [], {judged, night["series"]}
    for days, fired in ((3, []), (15, late["alert_rule_test"][0]["exp_alerts"])):
        others = [one for one in late["input_series"] if one["series"] not in changed]
        last = {"series": judged, "values": f"-{days * 86_400}+0x60"}
        test = late["alert_rule_test"][0] | {"exp_alerts": fired}
        cases.append(
            {"interval": "1m", "input_series": [*others, last, night], "alert_rule_test": [test]}
        )
    _passes(tmp_path, cases)


def _passes(folder: Path, cases: list[dict[str, Any]]) -> None:
    file = folder / "suite.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(HERE / "rules.yml")], "tests": cases}))
    assert "SUCCESS" in ran(tool("promtool"), "test", "rules", str(file))


def _case(rule: dict[str, Any]) -> dict[str, Any]:
    series, values = FIRING[rule["alert"]]
    link = rule["annotations"]["dashboard"].rpartition("}}")[2]
    expected = {
        "exp_labels": rule["labels"],
        "exp_annotations": {
            "summary": rule["annotations"]["summary"],
            "runbook": rule["annotations"]["runbook"],
            "dashboard": DASHBOARD + link,
        },
    }
    test = {
        "eval_time": f"{MINUTES}m",
        "alertname": rule["alert"],
        "exp_alerts": [expected],
    }
    return {
        "interval": "1m",
        "input_series": _series(HEALTHY | {series: values}),
        "alert_rule_test": [test],
    }


def _series(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"series": name, "values": value} for name, value in values.items()]


@pytest.mark.whole
def test_a_critical_incident_reaches_the_webhook(tmp_path: Path) -> None:
    exposition = (
        f'mycovigil_dashboard_info{{url="{DASHBOARD}"}} 1\n'
        "mycovigil_incidents_critical 1\nmycovigil_incidents_unresolved 1\n"
    )
    received = tmp_path / "received.jsonl"
    with target(exposition) as address, alertmanager(tmp_path, received) as pager:
        config = yaml.safe_load((HERE / "prometheus.yml").read_text())
        config["global"] = {"scrape_interval": "500ms", "evaluation_interval": "500ms"}
        config["rule_files"] = [str(HERE / "rules.yml")]
        config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [pager]
        config["scrape_configs"] = config["scrape_configs"][:1]
        config["scrape_configs"][0]["static_configs"][0]["targets"] = [address]
        (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
        command = [
            tool("prometheus"),
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{free_port()}",
        ]
        with running(command):
            until(lambda: "IncidentCritical" in received.read_text())
    alerts = [json.loads(line) for line in received.read_text().splitlines()]
    critical = next(alert for alert in alerts if alert["alert"] == "IncidentCritical")
    assert critical["severity"] == "critical"
    assert critical["dashboard"] == f"{DASHBOARD}/incidents"


@contextmanager
def target(exposition: str) -> Iterator[str]:
    """A server whose metrics are ``exposition``; yields its address."""

    class Metrics(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(exposition.encode())

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Metrics)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@contextmanager
def alertmanager(folder: Path, received: Path) -> Iterator[str]:
    """Our configuration with the example's receiver, which writes to ``received``."""
    port, listening = free_port(), free_port()
    config = (HERE / "alertmanager.yml").read_text()
    config = config.replace("http://receiver:9095/", f"http://127.0.0.1:{listening}/")
    (folder / "alertmanager.yml").write_text(config.replace("group_wait: 10s", "group_wait: 0s"))
    command = [
        tool("prometheus-alertmanager"),
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    receiver = [sys.executable, str(HERE / "receiver.py"), str(listening)]
    with received.open("w") as output, running(receiver, output), running(command):
        yield f"127.0.0.1:{port}"


@contextmanager
def running(command: list[str], output: Any = subprocess.DEVNULL) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)
