import numpy as np
import pytest

from churn.contract.contract import Contract
from churn.contract.fairness import Fairness
from churn.evaluation.bands import groups_of
from churn.evaluation.fairness import Decided, GroupReport, fairness_markdown, group_reports, unfair
from churn.evaluation.shares import difference, share

ROWS = 4000


def contract() -> Contract:
    return Contract.model_validate(
        {
            "name": "people",
            "target": {"column": "left", "positive": "yes"},
            "columns": {
                "age": {"type": "integer", "protected": True},
                "senior": {"type": "boolean", "protected": True},
                "town": {"type": "category", "categories": ["A", "B"], "protected": True},
                "usage": {"type": "number"},
            },
        }
    )


def decided(*, seed: int, senior_recall: float = 0.8, values: np.ndarray | None = None, rows: int = ROWS) -> Decided:
    """Customers of whom leavers are found with 80 %, seniors among them with `senior_recall`; stayers with 20 %."""
    rng = np.random.default_rng(seed)
    senior = (rng.random(rows) < 0.3).astype(np.float32)
    labels = (rng.random(rows) < 0.3).astype(np.int8)
    chance = np.where(labels == 1, np.where(senior == 1, senior_recall, 0.8), 0.2)
    columns = {
        "age": rng.integers(18, 90, rows).astype(np.float32),
        "senior": senior,
        "town": rng.choice(np.array(["A", "B", ""], dtype=object), rows),
        "usage": rng.random(rows, dtype=np.float32),
    }
    return Decided(columns, labels, (rng.random(rows) < chance).astype(float), threshold=0.5, values=values)


def report_of(reports: list[GroupReport], group: str) -> GroupReport:
    return next(one for one in reports if one.group == group)


def test_every_group_of_every_protected_column_is_reported_once() -> None:
    people = decided(seed=0)

    reports = group_reports(contract(), people)

    assert {one.column for one in reports} == {"age", "senior", "town"}
    for column in ("age", "senior", "town"):
        assert sum(one.customers for one in reports if one.column == column) == ROWS


def test_recall_precision_and_offers_are_those_of_the_group() -> None:
    people = decided(seed=1)
    mask = people.columns["senior"] == 1
    at_risk = people.scores[mask] >= 0.5

    found = report_of(group_reports(contract(), people), "senior = yes")

    assert found.found.value == pytest.approx(at_risk[people.labels[mask] == 1].mean())
    assert found.right.value == pytest.approx(people.labels[mask][at_risk].mean())
    assert found.offered.value == pytest.approx(at_risk.mean())
    assert found.found.low < found.found.value < found.found.high


def test_equal_treatment_passes_and_a_clear_gap_is_named() -> None:
    tolerance = Fairness(max_recall_gap=0.1)

    assert not list(unfair(group_reports(contract(), decided(seed=2)), tolerance))
    (reason,) = unfair(group_reports(contract(), decided(seed=2, senior_recall=0.5)), tolerance)
    assert "senior = yes" in reason
    assert "max_recall_gap 0.1" in reason


def test_equal_groups_are_called_unfair_in_few_of_many_audits() -> None:
    alarms = [
        bool(list(unfair(group_reports(contract(), decided(seed=seed, rows=800)), Fairness()))) for seed in range(200)
    ]

    assert np.mean(alarms) <= 0.01


def test_a_group_with_few_leavers_is_reported_and_not_judged() -> None:
    people = decided(seed=3, senior_recall=0.2)

    assert not list(unfair(group_reports(contract(), people), Fairness(smallest_group=10_000)))


def test_offers_at_equal_value_do_not_blame_a_group_for_being_worth_more() -> None:
    rng = np.random.default_rng(1004)
    people = decided(seed=4)
    senior = people.columns["senior"] == 1
    values = np.where(senior, rng.choice([1.0, 2.0, 3.0], ROWS, p=[0.1, 0.2, 0.7]), rng.choice([1.0, 2.0, 3.0], ROWS))
    offers = (rng.random(ROWS) < values / 4).astype(float)
    by_value = Decided(people.columns, people.labels, offers, threshold=0.5, values=values)

    reports = group_reports(contract(), by_value)
    old, young = report_of(reports, "senior = yes"), report_of(reports, "senior = no")

    assert old.offered.value - young.offered.value > 0.08
    assert old.offered_at_equal_value == pytest.approx(young.offered_at_equal_value, abs=0.04)


def test_the_difference_of_two_shares_covers_the_truth() -> None:
    rng = np.random.default_rng(5)
    covered = []
    for _ in range(400):
        gap = difference(share(int(rng.binomial(60, 0.9)), 60), share(int(rng.binomial(150, 0.7)), 150))
        covered.append(gap.low <= 0.2 <= gap.high)

    assert 0.93 <= np.mean(covered) <= 0.98


def test_a_group_without_leavers_shows_a_dash() -> None:
    people = decided(seed=6)
    nobody = Decided(
        people.columns, np.where(people.columns["senior"] == 1, 0, people.labels), people.scores, threshold=0.5
    )

    text = fairness_markdown(group_reports(contract(), nobody))

    assert "| senior = yes | " in text
    assert "| – |" in text
    assert "nan" not in text.replace("finance", "")


def test_bands_of_numbers_are_named_by_their_edges() -> None:
    people = decided(seed=7)
    people.columns["age"][:10] = np.nan

    names = [name for name, _ in groups_of(contract(), people.columns, "age")]

    assert len(names) == 4
    assert names[-1] == "age missing"
    assert names[0].startswith("age ≤ ")


def test_a_column_without_any_number_is_one_group() -> None:
    people = decided(seed=8)
    people.columns["age"][:] = np.nan

    assert [name for name, _ in groups_of(contract(), people.columns, "age")] == ["age missing"]


def test_many_categories_are_gathered() -> None:
    people = decided(seed=9)
    people.columns["town"] = np.array([f"town {number % 40}" for number in range(ROWS)], dtype=object)

    groups = dict(groups_of(contract(), people.columns, "town"))

    assert len(groups) == 7
    assert sum(int(mask.sum()) for mask in groups.values()) == ROWS
    assert "town: other" in groups
