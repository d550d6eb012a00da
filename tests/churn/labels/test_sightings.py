"""Day 10 is the prediction, day 40 the end of its horizon; what was seen is written as `+day` (left) or `-day`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.labels.sightings import Horizon, Label, Sighting, Silence, label_of


def day(number: int) -> str:
    return f"{number:04d}"


HORIZON = Horizon(day(10), day(40), day(70))


def labelled(text: str, silence: Silence = "unknown") -> Label:
    seen = [Sighting(day(int(one[1:])), int(one[0] == "+")) for one in text.split()]
    return label_of("p-1", HORIZON, seen, silence)


@pytest.mark.parametrize(
    ("seen", "churned"),
    [
        ("+11", 1),
        ("+40", 1),
        ("-11 +20", 1),
        ("+20 +60", 1),
        ("+41", 0),
        ("-40", 0),
        ("-39", None),
        ("-39 +90", 0),
        ("", None),
        ("-5", None),
        ("+5", None),
        ("+5 -6 +12", 1),
        ("+5 -50", None),
        ("+10", None),
    ],
)
def test_who_leaves_within_the_horizon_left_and_who_is_seen_at_its_end_stayed(seen: str, churned: int | None) -> None:
    assert labelled(seen) == Label(churned)


@pytest.mark.parametrize(("seen", "churned"), [("+20 -50", 0), ("+20 -30", None), ("+20 -30 +45", 0), ("+20 -70", 0)])
def test_of_two_that_contradict_each_other_the_later_is_believed(seen: str, churned: int | None) -> None:
    assert labelled(seen) == Label(churned, is_contradicted=True)


def test_who_comes_back_long_after_had_left_all_the_same() -> None:
    assert labelled("+20 -71") == Label(1)


@pytest.mark.parametrize(
    ("seen", "churned"), [("", 0), ("-20", 0), ("+20", 1), ("+5", None), ("+41", 0), ("+20 -30", None)]
)
def test_where_leavers_only_are_reported_silence_means_that_somebody_stayed(seen: str, churned: int | None) -> None:
    assert labelled(seen, "stayed").churned == churned


def test_a_sighting_that_names_a_prediction_speaks_for_it_alone() -> None:
    seen = [Sighting(day(20), 1, "p-1")]

    assert label_of("p-1", HORIZON, seen, "stayed").churned == 1
    assert label_of("p-2", HORIZON, seen, "stayed").churned is None


@given(st.lists(st.tuples(st.integers(0, 120), st.booleans())), st.booleans())
def test_a_reported_leaver_is_never_a_stayer_unless_seen_later_or_gone_before(
    seen: list[tuple[int, bool]], left: bool
) -> None:
    sightings = [Sighting(day(when), int(churned)) for when, churned in sorted(seen)]
    found = label_of("p-1", HORIZON, sightings, "stayed" if left else "unknown")

    gone = any(10 < when <= 40 and churned for when, churned in seen)
    there = any(when > 10 and not churned for when, churned in seen)
    if gone and not there:
        before = [churned for when, churned in sorted(seen) if when <= 10]
        assert found.churned == (None if before and before[-1] else 1)
