"""The page of the metric catalogue: `python -m monitoring.catalogue_page` writes docs/metrics.md.

Reads:  the catalogue; Grafana's boards and Prometheus' rules as they are committed.
Writes: docs/metrics.md.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from churn.metrics import CATALOGUE, LABELS, Metric, Origin
from monitoring.rules import FOLDER as RULES

ROOT = Path(__file__).parent.parent
FILE = ROOT / "docs" / "metrics.md"
BOARDS = ROOT / "grafana" / "dashboards" / "churn"

INTRODUCTION = """# Metrics

Every metric of this project, once: names, labels and help texts are in `churn/metrics.py`, doors and exporter build
theirs from it, and a test holds what real doors show against it. `python -m monitoring.catalogue_page` writes this
page.

All are read by Prometheus (`monitoring/prometheus/`): doors at `/metrics` on their own port, the exporter (`churn
exporter`) on port 9200. Names begin with `churn_`; amounts are in base units (seconds, shares of 1, the contract's
currency); what is counted only rises. No label ever has a value that a customer or a client sent.
"""

SECTIONS: dict[Origin, str] = {
    "door": """## At each door

What the workers of one door count adds up in a shared folder. A worker that is killed leaves what it counted there,
so no count falls when it is replaced; it takes with it at most what it counted in the last half second. When the door
itself is started anew its counts begin at 0, which `rate()` knows. What a worker *is* (its version, what it has in
hand) is forgotten when it dies.
""",
    "attendant": """## Of a home, at each of its doors

What the attendant, or the disk, knows. Two doors of one home say the same: take the `max`, not the sum.
`churn_shadow_…` has series while a version is the shadow, and counts from the moment that the attendant took it up.
""",
    "exporter": """## At the exporter

Read from the SQL store and the registry at each scrape. **A store that is away shows `churn_store_up 0`, or
`churn_registry_up 0`, and nothing else that it knows:** no old number looks fresh, and `absent()` finds what is
missing. What the last run of a job said has the run's time beside it.

Customers, money, stored predictions and outcomes are sums over all predictions: they are computed beside the scrapes,
at most once a minute (after seconds of computing, twenty times as many seconds later), and
`churn_customers_counted_timestamp_seconds` says when. A drift window that was too small shows
`churn_drift_enough_data 0` and no verdict. The exporter also shows `process_…` of its own process, which the client
library names.
""",
}


def page(catalogue: Iterable[Metric] = CATALOGUE) -> str:
    """Return the page."""
    known, used = tuple(catalogue), _users()
    parts = [INTRODUCTION]
    for origin, words in SECTIONS.items():
        parts.append(words)
        parts.append(_table(HEADS, (_row(each, used) for each in known if origin in each.origins)))
    parts += ["## Labels\n", _table(("label", "values"), ((f"`{name}`", text) for name, text in LABELS.items()))]
    return "\n".join(parts)


HEADS = ("metric", "type", "labels", "what it says", "used by")


def _row(metric: Metric, used: dict[str, str]) -> tuple[str, ...]:
    shown = f"{metric.name}_total" if metric.kind == "counter" else metric.name
    users = sorted(
        user for user, text in used.items() if re.search(rf"\b{metric.name}(_total|_bucket|_count|_sum)?\b", text)
    )
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"`{shown}`", metric.kind, labels, metric.text, ", ".join(users)


def _users() -> dict[str, str]:
    """Return the text of each board, and of all rules, by what people call them."""
    boards = {path.stem.capitalize(): path.read_text("utf-8") for path in sorted(BOARDS.glob("*.json"))}
    return {**boards, "rules": "\n".join(path.read_text("utf-8") for path in sorted(RULES.glob("*.yml")))}


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(_lines(heads, rows)) + "\n"


def _lines(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield _line(heads)
    yield _line("---" for _ in heads)
    yield from map(_line, rows)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


if __name__ == "__main__":
    FILE.write_text(page(), encoding="utf-8")
