"""Each alarm of Prometheus asks for what is there, and has its answer in the run book."""

import re
from typing import Any

import pytest
import yaml

from histovet import metrics
from histovet.gunicorn import threads, workers
from histovet.local.state import REPOSITORY
from histovet.operation.reasons import Reason
from tests.deploy.proxy import DEPLOY


@pytest.fixture(scope="module")
def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load((DEPLOY / "prometheus/histovet.rules.yml").read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


@pytest.fixture(scope="module")
def operations() -> str:
    return (REPOSITORY / "docs/operations.md").read_text(encoding="utf-8")


def exported() -> dict[str, set[str]]:
    """Return the name of each series with its labels."""
    found = {}
    for family in metrics.registry.collect():
        one = metrics.registry._names_to_collectors[family.name]
        names = {
            "counter": [f"{family.name}_total"],
            "histogram": [f"{family.name}_{end}" for end in ("bucket", "count", "sum")],
        }.get(family.type, [family.name])
        found |= {name: {*one._labelnames, "le", "instance"} for name in names}
    return found


def test_an_alarm_asks_for_what_is_exported(rules):
    series = exported()
    for rule in rules:
        asked = set(re.findall(r"\bhistovet_\w+", rule["expr"]))
        assert asked <= set(series), rule["alert"]
        assert asked or 'up{job="histovet"}' in rule["expr"]
        for name, labels in re.findall(r"(histovet_\w+)\{([^}]*)\}", rule["expr"]):
            for label in re.findall(r"(\w+)(?:=|!)", labels):
                assert label in series[name], (rule["alert"], label)
        for reason in re.findall(r'reason[!=~]+"([^"]+)"', rule["expr"]):
            assert set(reason.split("|")) <= set(Reason), rule["alert"]


def test_an_alarm_about_threads_knows_how_many_there_are(rules):
    limits = {
        name: int(limit)
        for rule in rules
        for name, limit in re.findall(
            r"min_over_time\(histovet_(\w+_in_progress)\[\dm\]\) >= (\d+)", rule["expr"]
        )
    }
    assert limits == {
        "requests_in_progress": workers * threads,
        "documents_in_progress": workers * threads // 2,
    }


def test_every_alarm_has_its_answer_and_no_other(rules, operations):
    table = operations.partition("### Alarms")[2].partition("\n## ")[0]
    documented = re.findall(
        r"^\| `(\w+)` \| (page|ticket) \| .{20}", table, re.MULTILINE
    )
    assert documented == [(one["alert"], one["labels"]["severity"]) for one in rules]


def test_every_metric_is_in_the_run_book_and_no_other(operations):
    table = operations.partition("## Metrics")[2].partition("### Alarms")[0]
    rows = re.findall(r"^\| (`histovet_[^|]+) \|", table, re.MULTILINE)
    documented = {name for row in rows for name in re.findall(r"histovet_\w+", row)}
    families = {
        f"{one.name}_total" if one.type == "counter" else one.name
        for one in metrics.registry.collect()
    }
    assert documented == families
