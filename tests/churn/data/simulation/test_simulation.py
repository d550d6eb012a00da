import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn.data.sampler import sample_telco
from churn.data.simulation.month import Month
from churn.data.simulation.shifts import Shift
from churn.data.simulation.simulation import simulate
from churn.data.simulation.telco import TelcoSource
from churn.data.simulation.world import Campaign, Reports, Season, World
from churn.errors import UsageError

STANDARD_ERRORS = 4.5
"""Beyond this a right simulator falls once in 150,000 comparisons."""

SHIFTS = (
    "price:1.3", "scale:tenure:2", "share:Contract=Two year:2", "share:Contract=Two year:0.5", "missing:TotalCharges",
    "missing:TechSupport:0.5", "new:PaymentMethod=Crypto:0.2", "concept:Contract:-1", "base:0.7",
)  # fmt: skip
TOUCHED = {
    "price": "MonthlyCharges",
    "scale": "tenure",
    "share": "Contract",
    "new": "PaymentMethod",
    "concept": "",
    "base": "",
}

worlds = st.builds(
    World,
    customers=st.integers(1, 400),
    months=st.integers(1, 5),
    seed=st.integers(0, 2**32),
    is_followed=st.booleans(),
    arrivals=st.none() | st.integers(0, 50),
    base_rate=st.none() | st.floats(0.001, 0.95),
    season=st.builds(Season, amplitude=st.floats(0, 3), peak_month=st.integers(1, 12)),
    shifts=st.lists(st.sampled_from(SHIFTS).map(Shift.parse), max_size=3, unique=True).map(tuple),
    campaigns=st.lists(
        st.builds(
            Campaign,
            month=st.integers(1, 5),
            share=st.floats(0, 1),
            success=st.floats(0, 1),
            sleeping_dogs=st.floats(0, 1),
            wakes=st.floats(0, 3),
            lasts_months=st.integers(1, 3),
        ),
        max_size=2,
    ).map(tuple),
)


def lived(world: World) -> list[Month]:
    return list(simulate(world))


def same_columns(one: Month, other: Month, *, but: str = "") -> bool:
    return all(
        np.array_equal(values, other.columns[name], equal_nan=values.dtype != object)
        for name, values in one.columns.items()
        if name != but
    )


@given(world=worlds)
@settings(max_examples=12, deadline=None)
def test_hazards_are_chances_and_who_leaves_does_so_within_the_month(world: World) -> None:
    for month in simulate(world):
        for chance in (month.hazard, month.hazard_without, month.probability):
            assert ((chance >= 0) & (chance <= 1)).all()
        after = month.left_days[month.left] - month.seen_days[month.left]
        assert ((after >= 0) & (after < 30)).all()
        assert len(set(month.customer_ids)) == month.rows == len(month.columns["tenure"])


@given(world=worlds)
@settings(max_examples=12, deadline=None)
def test_customers_come_stay_or_leave_and_never_vanish_or_return(world: World) -> None:
    months, gone = lived(replace(world, is_followed=True)), set[str]()
    for before, after in itertools.pairwise(months):
        stayed = set(before.customer_ids[~before.left])
        gone |= set(before.customer_ids[before.left])
        assert stayed <= set(after.customer_ids)
        assert not gone & set(after.customer_ids)
        come = after.rows - len(stayed)
        assert come == (world.arrivals if world.arrivals is not None else come)
    assert months[0].rows == world.customers


@given(world=worlds)
@settings(max_examples=10, deadline=None)
def test_the_same_world_gives_the_same_months(world: World) -> None:
    for one, other in zip(simulate(world), simulate(world), strict=True):
        assert same_columns(one, other)
        assert np.array_equal(one.left_days, other.left_days, equal_nan=True)
        assert np.array_equal(one.reported_days, other.reported_days, equal_nan=True)


@given(shift=st.sampled_from(SHIFTS), seed=st.integers(0, 1000), followed=st.booleans(), month=st.integers(1, 3))
@settings(max_examples=12, deadline=None)
def test_a_shift_changes_what_it_names_and_nothing_before_its_month(
    shift: str, seed: int, followed: bool, month: int
) -> None:
    known = replace(Shift.parse(shift), month=month)
    world = World(customers=300, months=3, seed=seed, is_followed=followed)
    for plain, moved in zip(simulate(world), simulate(replace(world, shifts=(known,))), strict=True):
        if plain.number > month:
            break  # other customers are there by now
        touched = known.column if known.kind == "missing" else TOUCHED[known.kind]
        assert same_columns(plain, moved, but=touched if plain.number == month else "")
        is_untrue = known.kind in {"missing", "new", "price"}
        if plain.number < month or is_untrue:
            assert np.array_equal(plain.hazard, moved.hazard)
        else:
            assert not np.array_equal(plain.hazard, moved.hazard)
        if plain.number == month and touched:
            assert not same_columns(plain, moved)


@given(seed=st.integers(0, 2**32), campaign=st.builds(Campaign, month=st.just(2), lasts_months=st.integers(1, 3)))
@settings(max_examples=12, deadline=None)
def test_worlds_that_differ_in_a_campaign_share_every_chance(seed: int, campaign: Campaign) -> None:
    """So both potential outcomes of each customer are known."""
    world = World(customers=500, months=4, seed=seed, base_rate=0.2)
    without, with_it = lived(world), lived(replace(world, campaigns=(campaign,)))

    assert same_columns(without[0], with_it[0])
    for plain, moved in zip(without, with_it, strict=True):
        both, of_plain, of_moved = np.intersect1d(plain.customer_ids, moved.customer_ids, return_indices=True)
        assert len(both) == plain.rows, "nobody leaves because of a campaign without sleeping dogs"
        assert np.array_equal(plain.hazard_without[of_plain], moved.hazard_without[of_moved])
        assert np.array_equal(plain.left[of_plain], moved.would_leave[of_moved])
        untouched = ~moved.is_contacted[of_moved]
        assert np.array_equal(
            plain.left_days[of_plain][untouched], moved.left_days[of_moved][untouched], equal_nan=True
        )


@pytest.mark.parametrize("is_followed", [True, False])
def test_customers_leave_as_often_as_their_hazards_say(is_followed: bool) -> None:
    campaign = Campaign(month=2, share=0.5, success=0.4, sleeping_dogs=0.2, lasts_months=2)
    shifts = (Shift.parse("base:0.5@3"), Shift.parse("concept:Contract:-1@2"))
    world = World(
        customers=20_000, months=3, seed=5, is_followed=is_followed, campaigns=(campaign,), shifts=shifts,
        season=Season(amplitude=0.4),
    )  # fmt: skip
    for month in simulate(world):
        for truth, what in ((month.hazard, month.left), (month.hazard_without, month.would_leave)):
            for part in np.array_split(np.argsort(truth), 10):
                error = np.sqrt((truth[part] * (1 - truth[part])).sum())
                assert abs(what[part].sum() - truth[part].sum()) <= STANDARD_ERRORS * error + 1e-9


def test_the_probability_of_a_long_horizon_is_how_often_customers_leave_in_it() -> None:
    world = World(customers=20_000, months=3, seed=6, horizon_days=75, shifts=(Shift.parse("base:0.5@2"),))
    months = lived(world)
    first = months[0]
    gone = set(first.customer_ids[first.left]) | set(months[1].customer_ids[months[1].left])
    late = months[2]
    gone |= set(late.customer_ids[late.left & (late.left_days < 15)])
    left = np.array([each in gone for each in first.customer_ids])
    for part in np.array_split(np.argsort(first.probability), 10):
        chance = first.probability[part]
        assert abs(left[part].sum() - chance.sum()) <= STANDARD_ERRORS * np.sqrt((chance * (1 - chance)).sum())
    assert np.array_equal(lived(replace(world, months=1))[0].probability, first.probability)


def test_the_first_month_holds_the_samplers_customers() -> None:
    month = next(simulate(World(customers=500, seed=3)))
    sampled = sample_telco(500, seed=3)
    assert month.customer_ids.tolist() == sampled["customerID"]
    assert month.columns["Contract"].tolist() == sampled["Contract"]
    assert [f"{price:g}" for price in month.columns["MonthlyCharges"]] == sampled["MonthlyCharges"]


def test_customers_grow_older_and_pay_for_it() -> None:
    first, second = simulate(World(customers=500, months=2, seed=3))
    _, before, after = np.intersect1d(first.customer_ids, second.customer_ids, return_indices=True)
    assert (second.columns["tenure"][after] == first.columns["tenure"][before] + 1).all()
    charged = second.columns["TotalCharges"][after] - np.nan_to_num(first.columns["TotalCharges"][before])
    assert np.abs(charged - first.columns["MonthlyCharges"][before]).max() < 0.01


def test_a_base_rate_is_met_and_a_season_turns_it() -> None:
    world = World(customers=3_000, months=7, base_rate=0.05, is_followed=False)
    assert next(simulate(world)).hazard.mean() == pytest.approx(0.05, rel=1e-6)
    rates = [month.hazard.mean() for month in simulate(replace(world, season=Season(amplitude=1, peak_month=7)))]
    assert np.argmax(rates) == 6
    assert np.argmin(rates) == 0


def test_a_doubled_share_is_doubled_and_a_gradual_shift_comes_in_steps() -> None:
    shift = Shift.parse("share:Contract=Two year:2@2-5")
    months = simulate(World(customers=20_000, months=6, is_followed=False, shifts=(shift,)))
    shares = [float((month.columns["Contract"] == "Two year").mean()) for month in months]
    assert np.allclose(np.array(shares) / shares[0], [1, 1.25, 1.5, 1.75, 2, 2], atol=0.05)


def test_a_campaign_keeps_more_where_it_says_so() -> None:
    campaign = Campaign(month=1, success=0.1, by="Contract", success_by={"Month-to-month": 0.9})
    month = next(simulate(World(customers=20_000, campaigns=(campaign,))))
    monthly = month.columns["Contract"] == "Month-to-month"
    assert np.allclose(month.hazard[monthly], month.hazard_without[monthly] * 0.1)
    assert np.allclose(month.hazard[~monthly], month.hazard_without[~monthly] * 0.9)


def test_a_campaign_contacts_those_at_risk_only() -> None:
    month = next(simulate(World(campaigns=(Campaign(month=1, above=0.4),))))
    assert np.array_equal(month.is_contacted, month.hazard_without >= 0.4)
    assert month.is_contacted.any()


def test_sleeping_dogs_leave_because_they_were_contacted() -> None:
    campaign = Campaign(month=1, success=0, sleeping_dogs=1, wakes=1.5)
    month = next(simulate(World(customers=5_000, campaigns=(campaign,))))
    assert (month.hazard >= month.hazard_without).all()
    assert (month.left & ~month.would_leave).sum() > 100
    assert not (month.would_leave & ~month.left).any()


def test_reports_are_late_and_some_never_come() -> None:
    reports = Reports(delay_days=5, mean_extra_days=10, lost_share=0.25)
    month = next(simulate(World(customers=20_000, reports=reports)))
    late = (month.reported_days - month.observed_days)[~np.isnan(month.reported_days)]
    assert late.min() >= 5
    assert late.mean() == pytest.approx(15, rel=0.05)
    assert np.isnan(month.reported_days).mean() == pytest.approx(0.25, abs=0.02)
    assert (month.observed_days[~month.left] == 30).all()


def test_moments_are_those_of_the_days() -> None:
    month = list(simulate(World(customers=50, months=2, is_followed=False)))[1]
    assert (month.start - World().start).days == 30
    assert all(month.start <= seen for seen in month.seen_at)
    assert [at is not None for at in month.left_at] == month.left.tolist()
    assert all(at == fact for at, fact in zip(month.left_at, month.observed_at, strict=True) if at is not None)
    assert month.reported_at == month.observed_at


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"customers": 0}, "at least 1 customer"),
        ({"months": 0}, "at least 1 month"),
        ({"seed": -1}, "whole number from 0"),
        ({"start": World().start.replace(tzinfo=None)}, "time zone"),
        ({"horizon_days": 0}, "at least 1 day"),
        ({"horizon_days": 60, "is_followed": False}, "follow them"),
        ({"arrivals": -1}, "arrivals"),
        ({"base_rate": 1.0}, "base rate"),
        ({"campaigns": (Campaign(month=1, share=2),)}, "shares are from 0 to 1"),
        ({"campaigns": (Campaign(month=0),)}, "campaigns begin"),
        ({"reports": Reports(delay_days=-1)}, "delays"),
    ],
)
def test_a_world_that_cannot_be_is_refused(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        World(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("scale:Price:2", "no column 'Price'"),
        ("scale:Contract:2", "Contract is no number"),
        ("share:tenure=1:2", "tenure is no category"),
        ("share:Contract=Weekly:2", "no value 'Weekly'"),
        ("new:Contract=One year:0.1", "already"),
    ],
)
def test_a_shift_that_the_customers_cannot_have_is_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        lived(World(shifts=(Shift.parse(text),)))


def test_a_source_without_a_price_has_no_price_shift() -> None:
    source = replace(TelcoSource(), price_column=None)
    with pytest.raises(UsageError, match="no price"):
        lived(World(source=source, shifts=(Shift.parse("price:2"),)))


def test_a_campaign_that_depends_on_a_number_is_refused() -> None:
    with pytest.raises(UsageError, match="'tenure'"):
        lived(World(campaigns=(Campaign(month=1, by="tenure"),)))
