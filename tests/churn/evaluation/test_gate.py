import math
from itertools import product

import pytest
from pydantic import ValidationError

from churn.evaluation.gate import Gate
from churn.evaluation.gate.measures import judge_measures as judge

GATE = Gate(min_roc_auc=0.75, max_roc_auc_drop=0.01, max_brier_rise=0.02)


def scored(roc_auc: float, brier: float) -> dict[str, float]:
    return {"roc_auc": roc_auc, "brier": brier}


@pytest.mark.parametrize(
    ("candidate", "production", "objections"),
    [
        (scored(0.80, 0.15), None, []),
        (scored(0.75, 0.15), None, []),
        (scored(0.7499, 0.15), None, ["the floor"]),
        (scored(0.80, 0.15), scored(0.80, 0.15), []),
        (scored(0.7901, 0.15), scored(0.80, 0.15), []),
        (scored(0.78, 0.15), scored(0.80, 0.15), ["below production's 0.8000"]),
        (scored(0.80, 0.18), scored(0.80, 0.15), ["above production's 0.1500"]),
        (scored(0.85, 0.12), scored(0.80, 0.15), []),
        (scored(0.60, 0.25), scored(0.80, 0.15), ["the floor", "below production's", "above production's"]),
        (scored(0.76, 0.15), scored(0.50, 0.30), []),
        (scored(0.70, 0.15), scored(0.50, 0.30), ["the floor"]),
    ],
)
def test_the_gate_gives_every_reason(
    candidate: dict[str, float], production: dict[str, float] | None, objections: list[str]
) -> None:
    verdict = judge(candidate, production, GATE)

    assert verdict.passed is (not objections)
    assert len(verdict.reasons) == len(objections)
    for reason, objection in zip(verdict.reasons, objections, strict=True):
        assert objection in reason


@pytest.mark.parametrize("production", [None, scored(0.5, 0.3), scored(math.nan, 0.3), scored(0.5, math.nan)])
@pytest.mark.parametrize("which", ["roc_auc", "brier"])
def test_a_number_that_is_none_never_passes(which: str, production: dict[str, float] | None) -> None:
    assert not judge({**scored(0.99, 0.01), which: math.nan}, production, GATE).passed


@pytest.mark.parametrize("production", [scored(math.nan, 0.3), scored(0.5, math.nan)])
def test_production_without_a_number_is_no_free_pass(production: dict[str, float]) -> None:
    assert not judge(scored(0.99, 0.01), production, GATE).passed


@pytest.mark.parametrize(("candidate", "production"), list(product([{}, {"roc_auc": 0.9}], [None, scored(0.8, 0.1)])))
def test_a_measure_that_is_missing_is_an_error_not_a_pass(
    candidate: dict[str, float], production: dict[str, float] | None
) -> None:
    with pytest.raises(KeyError, match=r"roc_auc|brier"):
        judge(candidate, production, GATE)


def test_a_misspelt_bound_is_refused() -> None:
    with pytest.raises(ValidationError, match="min_auc"):
        Gate.model_validate({"min_auc": 0.9})
