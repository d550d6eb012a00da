"""A move of an alias that harms nobody, in the log and in Prometheus."""

from __future__ import annotations  # hosts may have Python 3.9

from collections.abc import Iterator
from functools import partial

from deploy.host.checks.check import Check, eventually, require
from deploy.host.checks.engine import remedy_of
from deploy.host.checks.installation import Installation
from deploy.host.inside import churn, churn_json

COUNT = 'churn_promotions_total{action="give",status="done"}'
PROMOTED = 'churn_promotions_total{action="promote",status="done"}'
METRIC_SECONDS = 60.0
SERVED = 'churn_model_version{worker!=""}'
PIPELINES = "docs/runbooks/ChurnPromotionFailed.md"


def of_moves(at: Installation, version: str) -> Iterator[Check]:
    """Yield the checks.

    Args:
        at: where.
        version: in production; the alias `staging` is lent to it, unless another version has it.
    """
    counted = _counted(at)
    yield Check("a version is given an alias, and the log of moves has it", partial(_move, at, version), PIPELINES)
    if "prometheus" in at.services:
        exporter = remedy_of("exporter")
        yield Check("prometheus: it counts that move", partial(_rises, at, counted), exporter)
        yield Check(
            f"prometheus: the promotion of version {version} is there", partial(_promoted, at, version), exporter
        )
        words = f"prometheus: every worker of both doors serves version {version}"
        yield Check(words, partial(_served, at, version), "docs/runbooks/ChurnVersionsDiverge.md")


def _counted(at: Installation) -> float:
    """Return how many moves Prometheus knows now; 0 when it does not answer, which a check of its own says."""
    try:
        return at.number(COUNT) if "prometheus" in at.services else 0.0
    except Exception:  # noqa: BLE001  whatever it is, the check that follows finds it again and tells it
        return 0.0


def _move(at: Installation, version: str) -> None:
    staged = at.aliases.get("staging")
    reason = "make smoke: a move that harms nobody"
    churn(at.project, "staging", "give", "--version", staged or version, "--reason", reason)
    if staged is None:
        churn(at.project, "staging", "take", "--reason", reason)
    moves = churn_json(at.project, "audit", "history", "--alias", "staging", "--version", staged or version)
    mine = [one for one in moves if one["reason"] == reason and one["status"] == "done"]
    require(any(one["action"] == "give" for one in mine), "the move is not in `churn audit history`")


def _rises(at: Installation, before: float) -> None:
    def look() -> None:
        now = at.number(COUNT)
        require(now > before, f"{COUNT} is {now:.0f} and was {before:.0f} before the move")

    eventually(look, seconds=at.patience(METRIC_SECONDS, "prometheus", "exporter"))


def _promoted(at: Installation, version: str) -> None:
    def look() -> None:
        found = at.number("churn_production_version")
        require(found == float(version), f"churn_production_version is {found:.0f}")
        require(at.number(PROMOTED) >= 1, f"{PROMOTED} is 0")

    eventually(look, seconds=at.patience(METRIC_SECONDS, "prometheus", "exporter"))


def _served(at: Installation, version: str) -> None:
    def look() -> None:
        found = {one["metric"]["door"]: one["value"][1] for one in at.series(SERVED)}
        require(set(found) == {"bento", "fastapi"}, f"churn_model_version is there of {', '.join(found) or 'no door'}")
        require(set(found.values()) == {version}, f"they serve {found}")

    eventually(look, seconds=at.patience(METRIC_SECONDS, "prometheus", "bento", "fastapi"))
