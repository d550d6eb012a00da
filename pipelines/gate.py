"""Gate: may a version take production's place? It says promote, hold or reject, and moves nothing.

Reads:  the version, the version in production, their trainings, and customers that neither was made from.
Writes: the verdict, its rows and its picture with the version's training; tags of the version; a row in the SQL store.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Engine

from churn.errors import BundleError, ChurnError
from churn.evaluation.gate import Evidence, Gate, Verdict, judge
from churn.evaluation.metrics import MEASURES
from churn.stores.database import migrated
from churn.stores.registry import ModelRegistry, RegisteredBundle
from pipelines.gating.evidence import Case, evidence_of, guards_of
from pipelines.gating.keeping import Reached, keep
from pipelines.gating.limits import Limits
from pipelines.gating.sides import side_of
from pipelines.gating.unseen import unseen_rows
from pipelines.parameters import read_parameters
from pipelines.settings import PipelineSettings

log = logging.getLogger(__name__)

MEASURED = ("roc_auc", "brier")


@dataclass(frozen=True, slots=True)
class Judged:
    """What the gate said of a version.

    Attributes:
        metrics: the candidate's on the rows of comparison; empty when they are too few, or could not be gathered.
        report: address of the verdict's files; "" when there are none.
    """

    verdict: Verdict
    metrics: Mapping[str, float]
    report: str = ""


def judge_version(
    candidate: RegisteredBundle,
    production: RegisteredBundle | None,
    gate: Gate,
    *,
    settings: PipelineSettings,
    actor: str | None = None,
    limits: Limits | None = None,
) -> Judged:
    """Judge a version beside production, and keep the verdict. Whatever goes wrong on the way is a reject.

    Args:
        candidate: the version.
        production: what it is held against; itself, or None: only the guard-rails count.
        gate: the bounds of what is measured on rows.
        settings: where the stores are.
        actor: who asks.
        limits: the bounds of everything else; None: those of the parameters.

    Raises:
        StoreError: the verdict can't be kept.
    """
    rival = None if production is None or production.version == candidate.version else production
    reached = Reached(candidate, rival, gate, Verdict("reject", ()), actor or settings.actor)
    with migrated(settings.database_url) as engine:
        reached = _reach(reached, limits, settings=settings, engine=engine)
        report = keep(reached, registry=ModelRegistry(settings.tracking_uri), engine=engine)
    verdict = reached.verdict
    log.info("version judged", extra={"version": candidate.version, "decision": verdict.decision, "rows": verdict.rows})
    return Judged(verdict, reached.metrics or {}, report)


def _reach(reached: Reached, limits: Limits | None, *, settings: PipelineSettings, engine: Engine) -> Reached:
    """Come to a verdict. A failure is one too; of an error that is not ours only its kind: it may quote a customer."""
    try:
        case = _gather(reached, limits or read_parameters("guards", Limits), settings=settings, engine=engine)
        reached = replace(reached, case=case)
        return _judged(reached, case)
    except BundleError as error:
        return replace(reached, verdict=_rejected(f"the bundle can't be trusted: {error}"))
    except ChurnError as error:
        return replace(reached, verdict=_rejected(f"the gate could not judge: {error}"))
    except Exception as error:  # noqa: BLE001  a gate that fails must not let anything through
        log.warning("gate failed", extra={"version": reached.candidate.version, "kind": type(error).__name__})
        return replace(reached, verdict=_rejected(f"the gate could not judge: {type(error).__name__}"))


def _gather(reached: Reached, limits: Limits, *, settings: PipelineSettings, engine: Engine) -> Case:
    candidate = side_of(reached.candidate, settings)
    production = side_of(reached.production, settings) if reached.production else None
    return Case(candidate, production, unseen_rows(candidate, production, limits, engine=engine), limits)


def _judged(reached: Reached, case: Case) -> Reached:
    if case.unseen.guard(case.limits).outcome != "passed":
        return replace(reached, verdict=_too_few(case))
    evidence = evidence_of(case)
    return replace(reached, verdict=judge(evidence, reached.gate), evidence=evidence, metrics=_measured(evidence))


def _too_few(case: Case) -> Verdict:
    """With too few rows nothing is measured on them; what can be told without them still rejects."""
    guards = guards_of(case)
    failed = tuple(one.words for one in guards if one.outcome == "failed")
    unclear = tuple(one.words for one in guards if one.outcome == "undecided")
    return Verdict("reject" if failed else "hold", (*failed, *unclear), guards=guards, rows=len(case.unseen.target))


def _measured(evidence: Evidence) -> dict[str, float]:
    scores = evidence.candidate.probability
    return {name: float(MEASURES[name](evidence.rows.target, scores)) for name in MEASURED}


def _rejected(reason: str) -> Verdict:
    return Verdict("reject", (reason,))
