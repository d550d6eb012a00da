import numpy as np
import pytest

from churn.contract.contract import Contract
from churn.evaluation.slices import Slice, slices, slices_markdown, weakest

ROWS = 3000


def contract() -> Contract:
    return Contract.model_validate(
        {
            "name": "people",
            "target": {"column": "left", "positive": "yes"},
            "columns": {
                "plan": {"type": "category", "categories": ["A", "B", "C"]},
                "usage": {"type": "number"},
                "paperless": {"type": "boolean"},
            },
        }
    )


def customers(seed: int, *, off_by: float = 0.0) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Scores that are right, but for customers of plan C who leave more often than is said."""
    rng = np.random.default_rng(seed)
    columns = {
        "plan": rng.choice(np.array(["A", "B", "C"], dtype=object), ROWS),
        "usage": rng.normal(size=ROWS).astype(np.float32),
        "paperless": rng.integers(0, 2, ROWS).astype(np.float32),
    }
    scores = 1 / (1 + np.exp(1 - columns["usage"].astype(float)))
    truth = np.clip(scores + off_by * (columns["plan"] == "C"), 0, 1)
    return columns, (rng.random(ROWS) < truth).astype(np.int8), scores


def test_the_groups_of_each_column_hold_every_customer_once() -> None:
    found = slices(contract(), *customers(0))

    for column in ("plan", "usage", "paperless"):
        assert sum(one.customers for one in found if one.column == column) == ROWS


def test_a_part_whose_probabilities_are_wrong_is_found() -> None:
    found = slices(contract(), *customers(1, off_by=0.15))

    assert [one.group for one in found if one.is_off and one.column == "plan"] == ["plan = C"]
    assert weakest(found, 3)[0].group == "plan = C"
    assert "**off**" in slices_markdown(weakest(found, 3))


def test_right_probabilities_are_called_off_in_few_of_many_looks() -> None:
    alarms = [any(one.is_off for one in slices(contract(), *customers(seed))) for seed in range(300)]

    assert np.mean(alarms) <= 0.08  # 5 % by design, and the noise of 300 runs


def test_a_part_with_few_leavers_has_no_ranking() -> None:
    columns, labels, scores = customers(2)
    labels[columns["plan"] == "A"] = 0

    (found,) = [one for one in slices(contract(), columns, labels, scores) if one.group == "plan = A"]

    assert np.isnan(found.roc_auc)
    assert "| – |" in slices_markdown([found])


def test_the_weakest_parts_are_those_ranked_worst() -> None:
    found = slices(contract(), *customers(3))

    worst: list[Slice] = weakest(found, 2)

    known = sorted(one.roc_auc for one in found if not np.isnan(one.roc_auc))
    assert [one.roc_auc for one in worst] == pytest.approx(known[:2])
