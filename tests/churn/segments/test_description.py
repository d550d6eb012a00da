import numpy as np

from churn.contract.contract import Contract
from churn.segments.assignment import SegmentBook
from churn.segments.clusters import find_segments
from churn.segments.differences import traits_of
from churn.segments.profile import Trait
from churn.segments.report import as_markdown
from tests.churn.segments.crowds import crowd, leavers, row_of, shop


def _trait(book: SegmentBook, number: int, column: str) -> Trait:
    return next(trait for trait in book.segments[number].traits if trait.column == column)


def test_a_difference_in_another_column_is_evidence_and_one_by_construction_is_not() -> None:
    columns, truth = crowd(900, 3, seed=0)
    columns["channel"] = np.where(truth == 2, "store", "web").astype(object)

    book = find_segments(shop(), columns, leavers(truth, seed=0), seed=0)

    channel, visits, member = (_trait(book, 0, name) for name in ("channel", "visits", "member"))
    assert channel.is_clear
    assert not channel.is_grouped_by
    assert channel.words == "channel: 100% store (others 0%)"
    assert channel.cramers_v is not None
    assert channel.cramers_v > 0.99
    assert visits.is_grouped_by
    assert not member.is_clear


def test_what_is_computed_from_or_with_a_column_is_no_evidence() -> None:
    contract = shop(
        derived={"per_visit": {"operation": "ratio", "numerator": "basket", "denominator": "visits"}},
        relations={"adds up": {"total": "age", "factors": ["visits", "basket"]}},
        segments={"columns": ["visits"], "count": 2},
    )
    columns, truth = crowd(300, 2, seed=0)

    book = find_segments(contract, columns, leavers(truth, seed=0), seed=0)

    flags = {trait.column: trait.is_grouped_by for trait in book.segments[0].traits}
    assert flags == {"visits": True, "per_visit": True, "age": True, "basket": False, "channel": False, "member": False}


def test_effects_are_the_differences_that_were_planted() -> None:
    rng = np.random.default_rng(0)
    numbers = np.repeat([0, 1], 5000)
    columns, _ = crowd(10_000, 1, seed=0)
    columns["age"] = (rng.normal(size=10_000) * 10 + 40 + 8 * numbers).astype(np.float32)

    of_first, of_second = traits_of(shop(), columns, numbers, count=2, grouped_by=frozenset())

    ages = [next(trait for trait in traits if trait.column == "age") for traits in (of_first, of_second)]
    assert np.allclose([age.effect for age in ages], [-0.8, 0.8], atol=0.05)
    assert ages[0].p_adjusted < 1e-10


def test_chance_alone_is_rarely_called_a_difference() -> None:
    names = [f"noise{number}" for number in range(20)]
    contract = shop(columns={name: {"type": "number"} for name in names}, segments=None)
    false_alarms = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        columns = {name: rng.normal(size=200).astype(np.float32) for name in names}
        traits = traits_of(contract, columns, rng.integers(4, size=200), count=4, grouped_by=frozenset())
        false_alarms += any(trait.p_adjusted <= 0.05 for each in traits for trait in each)

    assert false_alarms <= 4


def test_protected_columns_are_reported_and_never_named() -> None:
    columns, truth = crowd(600, 2, seed=0)
    columns["age"] = (20 + 40 * truth).astype(np.float32)

    book = find_segments(shop(segments={"columns": ["age"], "count": 2}), columns, leavers(truth, seed=0), seed=0)

    assert _trait(book, 0, "age").is_protected
    assert not any("age" in name.split() for name in book.names)
    assert len(set(book.names)) == 2


def test_names_speak_of_roles_and_are_never_alike() -> None:
    contract = shop(
        survival={"duration": "visits"},
        economics={"value_column": "basket"},
        segments={"columns": ["visits", "basket"], "count": 4},
    )
    columns, truth = crowd(800, 4, seed=0)

    names = find_segments(contract, columns, leavers(truth, seed=0), seed=0).names

    assert set(names) == {
        "New customers paying little",
        "New customers paying much",
        "Long-standing customers paying little",
        "Long-standing customers paying much",
    }


def test_missing_values_are_told_of() -> None:
    columns, truth = crowd(600, 2, seed=0)
    columns["channel"] = np.where(truth == 1, "", "web").astype(object)
    columns["member"] = np.where(truth == 1, np.nan, columns["member"]).astype(np.float32)

    contract = shop(segments={"columns": ["visits", "basket"], "count": 2})
    book = find_segments(contract, columns, leavers(truth, seed=0), seed=0)

    assert _trait(book, 0, "channel").words == "channel: 100% not known (others 0%)"
    assert book.of_row(row_of(columns, 0)) == book.of_columns(columns)[0]


def test_the_report_tells_what_is_evidence_and_why_there_are_so_many() -> None:
    columns, truth = crowd(600, 3, seed=0)
    columns["channel"] = np.where(truth == 2, "store", "web").astype(object)

    told = as_markdown(find_segments(shop(), columns, leavers(truth, seed=0), seed=0, values=np.full(600, 5.0)))

    assert "channel: 100% store (others 0%) †" in told
    assert "made from visits, basket: that they differ there" in told
    assert "Why 3 segments: 3 groups come again" in told
    assert told.count("\n| Customers") == 3


def test_the_report_has_a_dash_where_the_contract_knows_no_worth() -> None:
    columns, truth = crowd(300, 2, seed=0)
    contract: Contract = shop(segments={"columns": ["visits"], "count": 2})

    told = as_markdown(find_segments(contract, columns, leavers(truth, seed=0), seed=0))

    assert "| – | – |" in told
    assert "silhouette)" not in told
