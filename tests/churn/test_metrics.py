"""The catalogue keeps to https://prometheus.io/docs/practices/naming."""

import re
from collections import Counter
from collections.abc import Callable

from churn.metrics import CATALOGUE, EXPORTED, LABELS, Metric

ADDED_BY_THE_LIBRARY = ("_total", "_count", "_sum", "_bucket", "_created")
NO_BASE_UNITS = re.compile(
    r"_(ms|milliseconds|microseconds|minutes|hours|days|kb|mb|kilobytes|megabytes|percent|percentage)(_|$)"
)
PUBLISHED_BEFORE_THE_RULE = {"churn_shadow_agreement"}
RESERVED_LABELS = {"le", "quantile", "job", "instance"}
"""Prometheus and its scrape configuration write them."""


def test_no_name_is_used_twice() -> None:
    assert [name for name, times in Counter(metric.name for metric in CATALOGUE).items() if times > 1] == []


def breaking(holds: Callable[[Metric], bool]) -> list[str]:
    """Return the metrics that a rule does not hold for."""
    return [metric.name for metric in CATALOGUE if not holds(metric)]


def test_names_are_ours_plain_and_without_what_the_library_adds() -> None:
    assert breaking(lambda metric: re.fullmatch(r"churn(_[a-z]+)+", metric.name) is not None) == []
    assert breaking(lambda metric: not metric.name.endswith(ADDED_BY_THE_LIBRARY)) == []


def test_amounts_are_in_base_units() -> None:
    assert breaking(lambda metric: not NO_BASE_UNITS.search(metric.name)) == []


def is_moment(metric: Metric) -> bool:
    return metric.text.startswith("When ")


def is_duration(metric: Metric) -> bool:
    return metric.text.startswith(("How long ", "From the request's head"))


def is_share(metric: Metric) -> bool:
    return metric.text.startswith("Share of ") and metric.name not in PUBLISHED_BEFORE_THE_RULE


def test_a_moment_a_duration_and_a_share_say_so_in_their_names() -> None:
    assert breaking(lambda metric: metric.name.endswith("_timestamp_seconds") is is_moment(metric)) == []
    assert (
        breaking(lambda metric: re.search("(?<!_timestamp)_seconds$", metric.name) is None or is_duration(metric)) == []
    )
    assert breaking(lambda metric: not is_duration(metric) or metric.name.endswith("_seconds")) == []
    assert breaking(lambda metric: metric.name.endswith("_ratio") is is_share(metric)) == []


def test_what_may_fall_is_a_gauge() -> None:
    facts = ("1:", "0:", "When ", "Share of ", "Version ")

    assert breaking(lambda metric: metric.kind == "gauge" or not metric.text.startswith(facts)) == []


def test_a_help_is_one_line_of_sentences() -> None:
    assert breaking(lambda metric: re.fullmatch(r"[A-Z01][^\n]{10,}\.", metric.text) is not None) == []


def test_labels_are_few_and_of_the_closed_list() -> None:
    assert breaking(lambda metric: set(metric.labels) <= set(LABELS) - RESERVED_LABELS) == []
    assert breaking(lambda metric: len(set(metric.labels)) == len(metric.labels) <= 4) == []


def test_every_label_of_the_list_is_used() -> None:
    assert set(LABELS) == {label for metric in CATALOGUE for label in metric.labels}


def test_only_a_histogram_has_buckets_and_they_rise() -> None:
    assert breaking(lambda metric: bool(metric.buckets) is (metric.kind == "histogram")) == []
    assert breaking(lambda metric: list(metric.buckets) == sorted(set(metric.buckets))) == []


def test_what_doors_count_can_be_told_apart_by_door() -> None:
    """Two doors of one home may be scraped as one job; what a contract's column is has no door."""
    of_doors = [metric for metric in CATALOGUE if "door" in metric.origins]

    assert {metric.name for metric in of_doors if "door" not in metric.labels} == {
        "churn_input_missing",
        "churn_input_unknown",
    }


def test_what_the_exporter_shows_has_no_door_but_as_a_part() -> None:
    assert [metric.name for metric in EXPORTED if "door" in metric.labels] == []
