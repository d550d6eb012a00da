"""The demo's one screen: what happened, the numbers that matter, where to look, what to try next."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from cli.demo.ring import Told
from cli.demo.traffic import customers


def show(told: Told, console: Console) -> None:
    """Print the screen of a demo that went all the way round; what is to be copied stands alone on its line."""
    table = Table.grid(padding=(0, 2))
    for left, right in _what_happened(told):
        table.add_row(f"[bold]{left}[/bold]", escape(right))
    console.print(Panel(table, title="Holdfast: the ring, once round", expand=False))
    for line in (*_where_to_look(told), "", "Three things to try next:", *_what_to_try(told)):
        console.print(line, markup=False)


def _what_happened(told: Told) -> Iterator[tuple[str, str]]:
    offline, scored = told.offline, told.scored
    if offline is None or scored is None or told.normal is None or told.shifted is None:
        return
    quality, cross = offline.ingested.quality, offline.trained.estimates
    yield (
        "customers",
        f"{quality.accepted:,} from {offline.source.words}; {quality.rejected:,} set aside; "
        f"{quality.churn_rate:.1%} left",
    )
    roc_auc = cross["roc_auc"]
    yield (
        "model",
        f"{offline.trained.candidate}, version {offline.promoted.version}: ROC-AUC {roc_auc.value:.3f} "
        f"({roc_auc.low:.3f}–{roc_auc.high:.3f}) cross-validated, "
        f"{offline.evaluated.metrics['roc_auc']:.3f} held out",
    )
    yield "graph", f"equals the training pipeline within {offline.trained.parity:.0e}"
    yield (
        "decision",
        f"at risk from probability {offline.evaluated.metrics['threshold']:.2f}: "
        f"finds {cross['recall'].value:.0%} of leavers, {cross['precision'].value:.0%} of calls are right",
    )
    requests = len(told.normal.prediction_ids) + len(told.shifted.prediction_ids)
    yield "traffic", f"{requests:,} predictions from both doors, equal numbers; {told.stored:,} recorded, none lost"
    yield "batch", f"{scored.scored:,} customers scored, {scored.at_risk:,} at risk"
    yield from (("performance", f"{one['status']}: {one['words']}") for one in told.seen.performance)
    drifted = ", ".join(_drifted(told.seen.drift)) or "the predictions"
    yield "drift", f"found, as it should be: {drifted}"
    yield "took", f"{sum(told.seconds.values()):.0f} s"


def _where_to_look(told: Told) -> Iterator[str]:
    if told.addresses is None:
        return
    yield f"  Bento API docs   {told.addresses.bento}/docs"
    yield f"  fallback docs    {told.addresses.fastapi}/docs"
    yield f"  MLflow           {told.addresses.mlflow}"
    yield f"  reports          {told.addresses.reports}"
    yield f"  metrics          {told.addresses.exporter}/metrics"
    yield "Alerts and boards, where Prometheus is installed (for Grafana: docs/dashboards.md):"
    yield f"prometheus --config.file={told.prometheus} --storage.tsdb.path={told.home / 'prometheus' / 'data'}"


def _what_to_try(told: Told) -> Iterator[str]:
    if told.addresses is None or told.offline is None:
        return
    yield "  1. ask for one customer (absent columns count as missing):"
    yield f"curl -s {told.addresses.bento}/predict -H 'Content-Type: application/json' -d '{example(told)}'"
    yield "  2. search longer and promote; both doors take the new version within 5 s (`churn rollback` gives it back):"
    yield f"CHURN_HOME={told.home} .venv/bin/churn ring --data {told.offline.source.path} --trials 20"
    yield "  3. begin with your own table: draft its contract, read it, and bring both:"
    yield ".venv/bin/churn contract infer customers.csv --target Churn --out contracts/mine.yaml"


def example(told: Told) -> str:
    """Return one of the demo's customers as JSON: what the contract requires of it, or all."""
    offline = told.offline
    if offline is None:
        return "{}"
    customer = customers(told.contract, offline.ingested.customers.columns, 1, seed=5)[0]
    wanted = told.contract.required_columns or tuple(customer)
    return json.dumps({name: value for name, value in customer.items() if name in wanted})


def _drifted(drift: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(one["column"] for one in drift["measures"] if one["is_drifted"]))[:6]


def summary(told: Told, *, problem: str | None) -> dict[str, object]:
    """Return what a program wants to know of the demo; `ok` is True only when every step worked."""
    offline, scored = told.offline, told.scored
    sent = [one for one in (told.normal, told.shifted) if one is not None]
    return {
        "ok": problem is None,
        "problem": problem,
        "customers": offline.source.words if offline else None,
        "is_real_data": offline.source.is_real if offline else None,
        "candidate": offline.trained.candidate if offline else None,
        "version": offline.promoted.version if offline else None,
        "cross_validated_roc_auc": round(offline.trained.estimates["roc_auc"].value, 4) if offline else None,
        "held_out_roc_auc": round(offline.evaluated.metrics["roc_auc"], 4) if offline else None,
        "parity": offline.trained.parity if offline else None,
        "doors_largest_difference": told.largest_difference,
        "ready_seconds": {door: round(seconds, 1) for door, seconds in told.ready_seconds.items()},
        "requests": sum(len(one.prediction_ids) for one in sent),
        "refused": sum(one.lost for one in sent),
        "stored": told.stored,
        "scored": scored.scored if scored else None,
        "history": told.seen.history,
        "performance": [one["status"] for one in told.seen.performance],
        "is_drifted": told.seen.drift.get("status") == "drift",
        "drift_report": told.seen.drift.get("report"),
        "reports": str(told.seen.reports) if told.seen.reports else None,
        "seconds": told.seconds,
    }
