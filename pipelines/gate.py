"""Gate: may a version take production's place?

Reads:  the version, the version in production, and customers that neither was made from.
Writes: nothing yet.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from churn.evaluation.fairness import Decided, group_reports, unfair
from churn.evaluation.gate import Gate, Verdict
from churn.evaluation.gate.measures import judge_measures as judge
from churn.evaluation.metrics import MEASURES
from churn.scoring.scorer import Scorer
from churn.stores.registry import ModelRegistry, RegisteredBundle
from pipelines.holdout import Holdout, read_holdout
from pipelines.registered import load_registered
from pipelines.settings import PipelineSettings
from pipelines.tracking import find_training

COMPARED = ("roc_auc", "brier")


@dataclass(frozen=True, slots=True)
class Judged:
    """What the gate said of a version.

    Attributes:
        metrics: the candidate's on the rows of comparison.
    """

    verdict: Verdict
    metrics: Mapping[str, float]


def judge_version(
    candidate: RegisteredBundle, production: RegisteredBundle | None, gate: Gate, *, settings: PipelineSettings
) -> Judged:
    """Measure both on the candidate's held-out rows, each with its own bundle, and ask the gate.

    Raises:
        BundleError: the version's bundle is not what was registered.
    """
    registry = ModelRegistry(settings.tracking_uri)
    holdout = read_holdout(find_training(settings, candidate.run_id))
    scorer = load_registered(candidate, registry, settings)
    measured, reasons = _measure(scorer, holdout), _unfair(scorer, holdout)
    if production is None or production.version == candidate.version:
        return Judged(judge(measured, None, gate, objections=reasons), measured)
    in_use = _measure(load_registered(production, registry, settings), holdout)
    return Judged(judge(measured, in_use, gate, objections=reasons), measured)


def _measure(scorer: Scorer, holdout: Holdout) -> dict[str, float]:
    scores = scorer.score_columns(holdout.columns(scorer.contract))
    return {name: MEASURES[name](holdout.labels, scores) for name in COMPARED}


def _unfair(scorer: Scorer, holdout: Holdout) -> tuple[str, ...]:
    """Say which gaps between protected groups are beyond the contract's tolerance; nothing without one."""
    tolerance = scorer.contract.fairness
    if tolerance is None:
        return ()
    columns = holdout.columns(scorer.contract)
    decided = Decided(columns, holdout.labels, scorer.score_columns(columns), scorer.threshold)
    return tuple(unfair(group_reports(scorer.contract, decided), tolerance))
