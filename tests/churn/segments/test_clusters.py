from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from churn.contract.contract import Contract
from churn.contract.table import check_table, check_target
from churn.data.files import read_table
from churn.errors import ContractError, TableError
from churn.segments.clusters import find_segments
from tests.churn.segments.crowds import crowd, leavers, shop


@pytest.mark.parametrize("groups", [3, 5])
def test_known_groups_are_found_again(groups: int) -> None:
    columns, truth = crowd(500, groups, seed=groups)

    book = find_segments(shop(), columns, leavers(truth, seed=0), seed=0)

    assert len(book.segments) == groups
    assert adjusted_rand_score(truth, book.of_columns(columns)) > 0.95


def test_groups_are_found_among_flags_extremes_and_categories() -> None:
    columns, truth = crowd(900, 3, seed=1)
    columns["visits"][:4] = 1e6
    columns["basket"] = np.expm1(columns["basket"] / 8).astype(np.float32)
    columns["member"] = (np.random.default_rng(0).random(900) < 0.02).astype(np.float32)
    contract = shop(segments={"columns": ["visits", "basket", "member"], "count": 3})

    book = find_segments(contract, columns, leavers(truth, seed=0), seed=0)

    assert adjusted_rand_score(truth, book.of_columns(columns)) > 0.9


def test_a_category_alone_makes_segments() -> None:
    columns, truth = crowd(300, 2, seed=1)
    contract = shop(segments={"columns": ["channel"], "count": 2})

    book = find_segments(contract, columns, leavers(truth, seed=0), seed=0)

    assert adjusted_rand_score(columns["channel"].astype(str), book.of_columns(columns)) == 1
    assert sorted(book.names) == ["Customers with store channel", "Customers with web channel"]


def test_segments_are_counted_and_sorted_by_churn_rate() -> None:
    columns, truth = crowd(1000, 4, seed=0)
    left = leavers(truth, seed=0)
    value = np.arange(1000.0)

    book = find_segments(shop(), columns, left, seed=0, values=value)

    members = [book.of_columns(columns) == number for number in range(4)]
    assert [segment.size for segment in book.segments] == [each.sum() for each in members]
    assert [segment.churn_rate for segment in book.segments] == pytest.approx([left[each].mean() for each in members])
    assert [segment.mean_value for segment in book.segments] == pytest.approx([value[each].mean() for each in members])
    assert sum(segment.value_at_risk or 0 for segment in book.segments) == pytest.approx(value[left == 1].sum())
    rates = [segment.churn_rate for segment in book.segments]
    assert rates == sorted(rates, reverse=True)
    assert all(segment.churn_low < segment.churn_rate < segment.churn_high for segment in book.segments)
    assert sum(segment.share for segment in book.segments) == pytest.approx(1)


def test_the_interval_of_a_rate_is_wilsons() -> None:
    columns, _ = crowd(100, 2, seed=0)
    contract = shop(segments={"columns": ["channel"], "count": 2})
    columns["channel"][:] = ["web"] * 20 + ["store"] * 80
    left = np.zeros(100, np.int8)
    left[:5] = 1

    web = find_segments(contract, columns, left, seed=0).segments[0]

    assert (web.size, web.churn_rate) == (20, 0.25)
    assert (web.churn_low, web.churn_high) == pytest.approx((0.1119, 0.4687), abs=1e-4)


def test_the_same_seed_gives_the_same_book() -> None:
    columns, truth = crowd(300, 1, seed=0, spread=30)
    left = leavers(truth, seed=0)

    first, second = (find_segments(shop(), columns, left, seed=3) for _ in range(2))

    assert first == second
    assert not first.choice.is_discovered
    assert len(first.segments) == 4


def test_a_fixed_number_of_segments_is_kept() -> None:
    columns, truth = crowd(400, 3, seed=0)

    book = find_segments(
        shop(segments={"columns": ["visits", "basket"], "count": 6}), columns, leavers(truth, seed=0), seed=0
    )

    assert len(book.segments) == 6
    assert "asks for 6" in book.choice.why
    assert len(set(book.names)) == 6


def test_a_handful_of_customers_is_no_segment() -> None:
    columns, truth = crowd(500, 2, seed=0)
    columns["visits"][:6], columns["basket"][:6] = 400, 400
    contract = shop(segments={"columns": ["visits", "basket", "member"], "count": 7})

    book = find_segments(contract, columns, leavers(truth, seed=0), seed=0)

    assert all(segment.share >= 0.03 for segment in book.segments)
    assert len(book.segments) == book.choice.count


def test_a_large_table_is_grouped_from_a_sample_and_counted_whole() -> None:
    columns, truth = crowd(40_000, 3, seed=0)
    contract = shop(segments={"columns": ["visits", "basket"], "count": 3})

    book = find_segments(contract, columns, leavers(truth, seed=0), seed=0)

    assert adjusted_rand_score(truth[:5000], book.of_columns(columns)[:5000]) > 0.95
    assert sum(segment.size for segment in book.segments) == 40_000


def test_a_contract_without_segments_is_refused() -> None:
    columns, truth = crowd(50, 2, seed=0)

    with pytest.raises(ContractError, match="has no `segments`"):
        find_segments(shop(segments=None), columns, truth, seed=0)


@pytest.mark.parametrize("count", ["auto", 3])
def test_customers_who_are_all_alike_are_refused(count: str | int) -> None:
    columns, truth = crowd(50, 2, seed=0)
    columns["visits"][:], columns["basket"][:] = 1, np.nan

    with pytest.raises(TableError, match="1 different customers in visits, basket"):
        find_segments(shop(segments={"columns": ["visits", "basket"], "count": count}), columns, truth, seed=0)


def test_the_segments_of_telco_can_be_told_to_a_business_user(telco: Contract, telco_file: Path) -> None:
    raw = read_table(telco_file).columns
    columns = check_table(telco, raw).columns
    left, _ = check_target(telco, raw)

    book = find_segments(telco, columns, left, seed=0)

    assert book.names == (
        "Customers paying much with month-to-month contract",
        "New customers with few services",
        "Long-standing customers with many services",
        "Customers paying little with few services",
    )
    assert [round(segment.churn_rate, 2) for segment in book.segments] == [0.46, 0.39, 0.11, 0.03]
    assert not book.choice.is_discovered
