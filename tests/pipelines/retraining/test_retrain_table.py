"""The table of a retraining, and who of it is held out, trained on and left out."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn.contract.contract import Contract
from churn.contract.reading import dump_contract, parse_contract
from churn.data.files import read_table
from churn.errors import UsageError
from churn.evaluation.retraining import Labels
from churn.scoring.prediction import Prediction, utc_text
from churn.stores.labelled import LabelledPrediction
from pipelines.retraining.comparison import LiveRows, Wanted, compare_on, live_rows
from pipelines.retraining.customers import CUSTOMER, PREDICTED_AT, with_live_rows, without_live_rows
from pipelines.retraining.table import RetrainTable, assemble
from pipelines.training import drawn

HORIZON = timedelta(days=30)
START = datetime(2026, 1, 1, tzinfo=UTC)
YAML = """
name: small
customer_id: id
target: {column: gone, positive: "Yes", negative: "No"}
columns:
  tenure: {type: integer}
  plan: {type: category, categories: [a, b]}
  price: {type: number}
"""
BASE = {
    "id": ["c-1", "c-2", "c-1", ""],
    "tenure": ["1", "2", "3", "4"],
    "plan": ["a", "", "b", "a"],
    "price": ["1.50", "2", "3", "4"],
    "gone": ["Yes", "No", "No", "No"],
    "secret": ["x", "x", "x", "x"],
}
WANTED = Wanted(customers=0.2, share=0.25, rows=20, leavers=3, reference_rows=10, reference_days=30)


@pytest.fixture
def contract() -> Contract:
    return parse_contract(YAML, "a test")


def live(
    number: int, *, customer: str = "c-2", day: float = 0.0, churned: int = 0, **inputs: object
) -> LabelledPrediction:
    at = START + timedelta(days=day)
    found = Prediction(
        prediction_id=f"p-{number}", customer_id=customer, model_name="churn", model_version=1, role="production",
        door="fastapi", inputs={"tenure": 3, "plan": "b", "price": 2.0, **inputs}, probability=0.5, threshold=0.5,
        churn_prediction=1, risk_level="HIGH", predicted_at=utc_text(at),
    )  # fmt: skip
    return LabelledPrediction(found, churned, at + HORIZON)


def test_live_customers_stand_beside_the_rows_of_the_table(contract: Contract) -> None:
    table = assemble(contract, BASE, [live(1, churned=1, price=29.5, plan=None), live(2, customer="new", day=1)])

    assert table.names == ("id", "tenure", "plan", "price", "gone", CUSTOMER, PREDICTED_AT)
    assert list(table.rows.values()) == [
        ("c-1", "1", "a", "1.50", "Yes", "c-1", ""),
        ("c-2", "2", "", "2", "No", "c-2", ""),
        ("p-1", "3", "", "29.5", "Yes", "c-2", "2026-01-01T00:00:00.000Z"),
        ("p-2", "3", "b", "2", "No", "new", "2026-01-02T00:00:00.000Z"),
    ]


def test_the_fingerprint_is_of_the_rows_alone(contract: Contract) -> None:
    some = [live(1), live(2, day=1)]
    table = assemble(contract, BASE, some)

    assert table.fingerprint == assemble(contract, BASE, some[::-1]).fingerprint
    assert table.fingerprint != assemble(contract, BASE, some[:1]).fingerprint
    assert table.fingerprint != assemble(contract, BASE, [live(1, churned=1), some[1]]).fingerprint
    assert table.fingerprint != assemble(contract, {**BASE, "gone": ["No"] * 4}, some).fingerprint


def test_a_table_that_was_written_is_the_same_again_with_the_same_live_customers(
    contract: Contract, tmp_path: Path
) -> None:
    some = [live(1, plan=None), live(2, day=1, churned=1)]
    table = assemble(contract, BASE, some)
    again = read_table(table.write(tmp_path)).columns

    assert assemble(table.contract, again, some).fingerprint == table.fingerprint
    assert assemble(table.contract, again, ()).fingerprint == table.fingerprint


def test_a_row_whose_outcome_was_corrected_is_taken_as_the_store_knows_it_now(
    contract: Contract, tmp_path: Path
) -> None:
    table = assemble(contract, BASE, [live(1, churned=0)])
    again = read_table(table.write(tmp_path)).columns

    corrected = assemble(table.contract, again, [live(1, churned=1)])

    assert corrected.rows["p-1"][4] == "Yes"
    assert corrected.fingerprint != table.fingerprint


def test_a_live_customer_joins_the_household_that_the_table_knows() -> None:
    contract = parse_contract(YAML + "validation: {group: house}\n", "a test")
    table = assemble(contract, {**BASE, "house": ["h-1", "h-2", "h-3", "h-4"]}, [live(1), live(2, customer="new")])

    assert table.groups == ["h-1", "h-2", "h-2", "new"]


def test_a_contract_with_times_has_those_of_live_customers_too() -> None:
    contract = parse_contract(YAML + "validation: {time: seen}\n", "a test")
    table = assemble(contract, {**BASE, "seen": ["2025-01-01"] * 4}, [live(1)])

    assert table.column("seen") == ["2025-01-01", "2025-01-01", "2026-01-01T00:00:00.000Z"]


def test_the_contract_of_live_rows_is_made_once_and_taken_back(telco: Contract) -> None:
    changed = with_live_rows(telco)

    assert (changed.validation.group, PREDICTED_AT in changed.ignored) == (CUSTOMER, True)
    assert dump_contract(with_live_rows(changed)) == dump_contract(changed)
    assert dump_contract(without_live_rows(changed)) == dump_contract(telco)


def test_without_customer_ids_outcomes_can_not_be_added() -> None:
    with pytest.raises(UsageError, match=r"names no customer_id.*--data"):
        assemble(parse_contract(YAML.replace("customer_id: id\n", ""), "a test"), BASE, ())


def many(customers: int, months: int) -> list[LabelledPrediction]:
    """Customers who are predicted each month until they leave."""
    rng = np.random.default_rng(4)
    found, number = [], 0
    for customer in range(customers):
        for month in range(months):
            has_left = int(rng.random() < 0.15)
            found.append(live(number, customer=f"c-{customer}", day=30.0 * month, churned=has_left))
            number += 1
            if has_left:
                break
    return found


def rows_of(table: RetrainTable, *, trained_at: datetime | None = START, production: int | None = None) -> LiveRows:
    return live_rows(table, after=HORIZON, production=production, trained_at=trained_at)


def test_whoever_is_held_out_is_trained_on_nowhere_and_later_than_every_label_that_is(contract: Contract) -> None:
    table = assemble(contract, BASE, many(400, 6))
    rows = rows_of(table)

    found = compare_on(rows, WANTED)

    is_held_out = np.isin(rows.ids, list(found.division.held_out))
    is_trained = ~is_held_out & ~np.isin(rows.ids, list(found.division.left_out))
    assert found.held_out == Labels(int(is_held_out.sum()), int((is_held_out & rows.left).sum()))
    assert found.held_out.reach(WANTED.rows, WANTED.leavers)
    assert not set(rows.groups[is_held_out]) & set(rows.groups[is_trained])
    known = rows.known_at[is_trained & rows.is_live]
    assert known.max() <= rows.predicted_at[is_held_out].min()
    assert found.cut == rows.predicted_at[is_held_out].min().item()
    assert (is_trained & rows.is_live).any()


def test_neither_side_has_more_leavers_than_there_are(contract: Contract) -> None:
    """Taking each customer's newest row would keep every leaver and one row of those who stay."""
    table = assemble(contract, {name: [] for name in BASE}, many(800, 6))
    rows = rows_of(table)
    division = compare_on(rows, WANTED).division

    is_held_out = np.isin(rows.ids, list(division.held_out))
    is_trained = ~is_held_out & ~np.isin(rows.ids, list(division.left_out))

    assert rows.left[is_trained].mean() == pytest.approx(0.15, abs=0.025)
    assert rows.left[is_held_out].mean() == pytest.approx(0.15, abs=0.08)


def test_customers_that_any_training_holds_out_are_those_that_are_compared_on(contract: Contract) -> None:
    rows = rows_of(assemble(contract, BASE, many(400, 3)))
    held_out = np.isin(rows.ids, list(compare_on(rows, WANTED).division.held_out))

    assert drawn(rows.groups[held_out], WANTED.customers).all()


def test_production_is_only_compared_on_what_it_can_not_have_been_trained_on(contract: Contract) -> None:
    table = assemble(contract, BASE, many(400, 6))
    trained = START + timedelta(days=60)
    rows = rows_of(table, trained_at=trained)

    held_out = np.isin(rows.ids, list(compare_on(rows, WANTED).division.held_out))

    assert rows.predicted_at[held_out].min() >= np.datetime64(trained.replace(tzinfo=None))
    assert rows.labels(rows.is_new).rows == int((rows.predicted_at > np.datetime64("2026-01-31")).sum())


def test_what_production_answered_itself_it_was_not_trained_on_whatever_the_clock_says(contract: Contract) -> None:
    table = assemble(contract, BASE, many(400, 6))
    late = START + timedelta(days=3650)

    assert compare_on(rows_of(table, trained_at=late), WANTED).held_out == Labels(0, 0)
    assert compare_on(rows_of(table, trained_at=late, production=2), WANTED).held_out == Labels(0, 0)
    assert compare_on(rows_of(table, trained_at=late, production=1), WANTED).cut is not None
    assert compare_on(rows_of(table, trained_at=None), WANTED).cut is None


def test_too_few_later_customers_are_counted_and_nobody_is_held_out(contract: Contract) -> None:
    found = compare_on(rows_of(assemble(contract, BASE, many(40, 2))), WANTED)

    assert found.cut is None
    assert found.division.held_out == frozenset()
    assert 0 < found.held_out.rows < 40


def test_the_newest_live_customers_are_the_new_reference_trained_on_or_not(contract: Contract) -> None:
    rows = rows_of(assemble(contract, BASE, many(400, 6)))
    newest = rows.predicted_at == np.max(rows.predicted_at[rows.is_live])

    assert compare_on(rows, WANTED).division.reference == frozenset(rows.ids[newest])


@settings(max_examples=60, deadline=None)
@given(
    people=st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 200), st.booleans()),
        min_size=1,
        max_size=150,
        unique_by=lambda x: x[:2],
    ),
    trained=st.integers(-50, 250),
    least=st.tuples(st.integers(1, 30), st.integers(1, 5)),
)
def test_the_rules_hold_for_any_traffic(
    people: Sequence[tuple[int, int, bool]], trained: int, least: tuple[int, int]
) -> None:
    some = [live(n, customer=f"c-{who}", day=day, churned=int(left)) for n, (who, day, left) in enumerate(people)]
    table = assemble(parse_contract(YAML, "a test"), BASE, some)
    rows = rows_of(table, trained_at=START + timedelta(days=trained))

    found = compare_on(rows, Wanted(0.5, 0.25, *least, reference_rows=5, reference_days=30))

    division = found.division
    assert not division.held_out & division.left_out
    if found.cut is None:
        return
    is_held_out = np.isin(rows.ids, list(division.held_out))
    is_trained = ~is_held_out & ~np.isin(rows.ids, list(division.left_out))
    assert found.held_out.reach(*least)
    assert (
        rows.predicted_at[is_held_out] >= np.datetime64((START + timedelta(days=trained)).replace(tzinfo=None))
    ).all()
    assert not (rows.known_at[is_trained] > rows.predicted_at[is_held_out].min()).any()
    assert not set(rows.groups[is_held_out]) & set(rows.groups[is_trained])
