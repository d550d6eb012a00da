"""The catalogue keeps to https://prometheus.io/docs/practices/naming."""

import re
from collections import Counter

import pytest

from churn.metrics import CATALOGUE, EXPORTED, LABELS, Metric

EACH = pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)

ADDED_BY_THE_LIBRARY = ("_total", "_count", "_sum", "_bucket", "_created")
NO_BASE_UNITS = re.compile(
    r"_(ms|milliseconds|microseconds|minutes|hours|days|kb|mb|kilobytes|megabytes|percent|percentage)(_|$)"
)
PUBLISHED_BEFORE_THE_RULE = {"churn_shadow_agreement"}
RESERVED_LABELS = {"le", "quantile", "job", "instance"}
"""Prometheus and its scrape configuration write them."""


def test_no_name_is_used_twice() -> None:
    assert [name for name, times in Counter(metric.name for metric in CATALOGUE).items() if times > 1] == []


@EACH
def test_a_name_is_ours_plain_and_without_what_the_library_adds(metric: Metric) -> None:
    assert re.fullmatch(r"churn(_[a-z]+)+", metric.name)
    assert not metric.name.endswith(ADDED_BY_THE_LIBRARY)


@EACH
def test_amounts_are_in_base_units(metric: Metric) -> None:
    assert not NO_BASE_UNITS.search(metric.name)


@EACH
def test_a_moment_a_duration_and_a_share_say_so_in_their_names(metric: Metric) -> None:
    is_moment = metric.text.startswith("When ")
    is_duration = metric.text.startswith(("How long ", "From the request's head"))
    is_share = metric.text.startswith("Share of ") and metric.name not in PUBLISHED_BEFORE_THE_RULE

    assert metric.name.endswith("_timestamp_seconds") is is_moment
    assert (metric.name.endswith("_seconds") and not is_moment) is is_duration
    assert metric.name.endswith("_ratio") is is_share


@EACH
def test_what_may_only_be_shown_is_a_gauge(metric: Metric) -> None:
    assert metric.kind == "gauge" or not metric.text.startswith(("1:", "0:", "When ", "Share of "))


@EACH
def test_a_help_is_one_line_of_sentences(metric: Metric) -> None:
    assert re.fullmatch(r"[A-Z01][^\n]{10,}\.", metric.text)


@EACH
def test_labels_are_of_the_closed_list(metric: Metric) -> None:
    assert set(metric.labels) <= set(LABELS)
    assert len(set(metric.labels)) == len(metric.labels) <= 4
    assert not RESERVED_LABELS & set(metric.labels)


def test_every_label_of_the_list_is_used() -> None:
    assert set(LABELS) == {label for metric in CATALOGUE for label in metric.labels}


@EACH
def test_only_a_histogram_has_buckets_and_they_rise(metric: Metric) -> None:
    assert bool(metric.buckets) is (metric.kind == "histogram")
    assert list(metric.buckets) == sorted(set(metric.buckets))


def test_what_doors_count_can_be_told_apart_by_door() -> None:
    """Two doors of one home may be scraped as one job; what a contract's column is has no door."""
    of_doors = [metric for metric in CATALOGUE if "door" in metric.origins]

    assert {metric.name for metric in of_doors if "door" not in metric.labels} == {
        "churn_input_missing",
        "churn_input_unknown",
    }


def test_what_the_exporter_shows_has_no_door_but_as_a_part() -> None:
    assert [metric.name for metric in EXPORTED if "door" in metric.labels] == []
