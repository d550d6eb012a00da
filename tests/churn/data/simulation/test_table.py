from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from churn.contract.contract import Contract
from churn.contract.reading import parse_contract
from churn.contract.table import check_table
from churn.data.simulation.month import Month
from churn.data.simulation.shifts import Shift
from churn.data.simulation.simulation import simulate
from churn.data.simulation.table import TableSource, table_source
from churn.data.simulation.world import Campaign, World
from churn.errors import TableError

CONTRACT = """
name: shop
customer_id: buyer
target: {column: gone, positive: "1", horizon_days: 60}
columns:
  days_here: {type: integer, minimum: 0}
  basket: {type: number, minimum: 0}
  plan: {type: category, categories: [plain, gold]}
  newsletter: {type: boolean}
economics: {value_column: basket, horizon_months: 6, contact_cost: 1, offer_cost: 5, offer_success: {alpha: 3, beta: 7}}
survival: {duration: days_here, unit: days}
"""
ROWS = 6_000


@pytest.fixture(scope="module")
def shop() -> Contract:
    return parse_contract(CONTRACT, "shop.yaml")


@pytest.fixture(scope="module")
def table() -> dict[str, np.ndarray]:
    """Customers who leave by a rule that is known."""
    rng = np.random.default_rng(8)
    days, basket = rng.integers(0, 900, ROWS), np.round(rng.gamma(3, 12, ROWS), 2)
    plan = np.where(rng.random(ROWS) < 0.3, "gold", "plain")
    newsletter = rng.random(ROWS) < 0.5
    log_odds = 0.6 - days / 400 - 1.2 * (plan == "gold") + 0.02 * (basket - 36)
    gone = rng.random(ROWS) < 1 / (1 + np.exp(-log_odds))
    return {
        "buyer": np.array([f"b{number}" for number in range(ROWS)]),
        "days_here": days, "basket": basket, "plan": np.where(rng.random(ROWS) < 0.05, "", plan),
        "newsletter": newsletter.astype(int), "gone": gone.astype(int), "chance": 1 / (1 + np.exp(-log_odds)),
    }  # fmt: skip


@pytest.fixture(scope="module")
def source(shop: Contract, table: Mapping[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> TableSource:
    path = tmp_path_factory.mktemp("shop") / "shop.csv"
    rows = zip(*(table[name].tolist() for name in table if name != "chance"), strict=True)
    lines = [",".join(name for name in table if name != "chance"), *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines))
    return table_source(shop, path)


def months_of(source: TableSource, **more: object) -> list[Month]:
    return list(simulate(World(source=source, horizon_days=60, **more)))  # type: ignore[arg-type]


def test_chances_are_those_that_the_table_was_made_by(source: TableSource, table: Mapping[str, np.ndarray]) -> None:
    found = 1 / (1 + np.exp(-source.leaving.log_odds(source.pool, {})))
    assert np.abs(found - table["chance"])[table["plan"] != ""].max() < 0.08
    assert found.mean() == pytest.approx(table["gone"].mean(), abs=0.002)


def test_a_horizon_of_two_months_is_left_in_two_months(source: TableSource, table: Mapping[str, np.ndarray]) -> None:
    first, second = months_of(replace(source, age=None), customers=20_000, months=2, arrivals=0)
    assert first.probability.mean() == pytest.approx(table["gone"].mean(), abs=0.02)
    assert (first.left.sum() + second.left.sum()) / 20_000 == pytest.approx(table["gone"].mean(), abs=0.02)


def test_rows_are_the_tables_and_fit_the_contract(source: TableSource, shop: Contract) -> None:
    first, second = months_of(source, customers=500, months=2)
    assert set(first.columns["basket"]) <= set(source.pool.numbers["basket"])
    for month in (first, second):
        raw = {name: column.tolist() for name, column in month.columns.items()}
        assert check_table(shop, raw).rejected == ()
    _, before, after = np.intersect1d(first.customer_ids, second.customer_ids, return_indices=True)
    assert (second.columns["days_here"][after] == first.columns["days_here"][before] + 30).all()


def test_any_part_of_the_customers_is_the_same_in_every_draw(source: TableSource) -> None:
    ids, whole = source.draw(25_000, first_row=0, seed=3)
    some, part = source.draw(9_000, first_row=7_500, seed=3)
    assert some.tolist() == ids[7_500:16_500].tolist()
    assert np.array_equal(part.numbers["basket"], whole.numbers["basket"][7_500:16_500])


def test_a_concept_without_a_column_forgets_it(source: TableSource) -> None:
    (month,) = months_of(source, months=1, customers=4_000, shifts=(Shift.parse("concept:plan:0"),))
    (plain,) = months_of(source, months=1, customers=4_000)
    is_gold = month.columns["plan"] == "gold"
    ratio = plain.hazard[~is_gold].mean() / plain.hazard[is_gold].mean()
    assert ratio > 2
    assert month.hazard[~is_gold].mean() / month.hazard[is_gold].mean() == pytest.approx(1, abs=0.1)


def test_a_missing_category_stays_missing(source: TableSource) -> None:
    (month,) = months_of(source, months=1, customers=4_000)
    assert (month.columns["plan"] == "").mean() == pytest.approx(0.05, abs=0.02)
    assert ((month.hazard > 0) & (month.hazard < 1)).all()


def test_a_price_shift_moves_the_value_column(source: TableSource) -> None:
    (plain,), (dearer,) = months_of(source, months=1), months_of(source, months=1, shifts=(Shift.parse("price:1.1"),))
    assert np.allclose(dearer.columns["basket"], plain.columns["basket"] * 1.1, atol=1e-4)


def test_a_table_of_a_few_rows_is_refused(shop: Contract, tmp_path: Path) -> None:
    (tmp_path / "few.csv").write_text("buyer,days_here,basket,plan,newsletter,gone\na,1,2,gold,1,1\nb,1,2,gold,1,0\n")
    with pytest.raises(TableError, match="2 rows that hold; a simulation needs 100"):
        table_source(shop, tmp_path / "few.csv")


def test_a_column_without_any_value_says_nothing(
    shop: Contract, table: Mapping[str, np.ndarray], tmp_path: Path
) -> None:
    names = [name for name in table if name not in {"chance", "basket"}]
    lines = [",".join(map(str, row)) for row in zip(*(table[name].tolist() for name in names), strict=True)]
    (tmp_path / "poor.csv").write_text("\n".join([",".join([*names, "basket"]), *(f"{line}," for line in lines)]))
    (month,) = months_of(table_source(shop, tmp_path / "poor.csv"), months=1)
    assert np.isnan(month.columns["basket"]).all()
    assert month.probability.mean() == pytest.approx(table["gone"].mean(), abs=0.03)


def test_a_customer_without_a_category_is_kept_as_others_are(source: TableSource) -> None:
    campaign = Campaign(month=1, success=0.5, by="plan", success_by={"gold": 1.0, "plain": 0.0})
    (month,) = months_of(source, months=1, campaigns=(campaign,))
    kept = {"gold": 0.0, "plain": 1.0, "": 0.5}
    assert np.allclose(month.hazard / month.hazard_without, [kept[plan] for plan in month.columns["plan"]])
