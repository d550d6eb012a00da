"""Metrics of real doors: all in the catalogue, and right while workers are killed and replaced under load."""

import contextlib
from collections.abc import Callable
from http.client import HTTPException

import pytest
from prometheus_client.parser import text_string_to_metric_families

from churn.contract.contract import Contract
from churn.metrics import CATALOGUE
from tests.faults.conftest import home, logged, on_disk, open_door, shop
from tests.faults.doors import START_SECONDS, Load, OpenDoor, wait_until

__all__ = ["home", "logged", "on_disk", "open_door", "shop"]

pytestmark = pytest.mark.slow
VERSION = "churn_model_version"
Series = tuple[str, tuple[tuple[str, str], ...]]


def asked(door: OpenDoor) -> str:
    """Scrape, again if the worker that was asked is killed meanwhile."""
    for _ in range(10):
        with contextlib.suppress(OSError, HTTPException):
            return door.ask("GET", "/metrics", wait=20)[1].decode()
    raise AssertionError("no worker answers")


def total(door: OpenDoor, name: str) -> float:
    """Return the sum over a family's series."""
    return sum(scraped(door).get(name, ("", {}))[1].values())


def scraped(door: OpenDoor) -> dict[str, tuple[str, dict[Series, float]]]:
    """Return type and series by family."""
    return {
        family.name: (
            family.type,
            {(each.name, tuple(sorted(each.labels.items()))): each.value for each in family.samples},
        )
        for family in text_string_to_metric_families(asked(door))
    }


def all_serve(door: OpenDoor) -> bool:
    """Say whether its two workers, and nobody who is dead, show a version."""
    serving = {
        int(dict(labels)["worker"]): version for (_, labels), version in scraped(door).get(VERSION, ("", {}))[1].items()
    }
    return set(serving) == {each.pid for each in door.worker_processes()} and list(serving.values()) == [1.0, 1.0]


def counts(door: OpenDoor) -> dict[Series, float]:
    """Return what may only rise."""
    found = scraped(door).values()
    return {key: value for kind, series in found if kind in ("counter", "histogram") for key, value in series.items()}


@pytest.mark.usefixtures("on_disk")
@pytest.mark.parametrize("kind", ["bento", "fastapi"])
def test_no_count_falls_while_workers_die_and_every_metric_is_in_the_catalogue(
    open_door: Callable[..., OpenDoor], telco: Contract, kind: str
) -> None:
    door = open_door(kind, workers=2).ready()
    wait_until(lambda: all_serve(door), "two workers serve", seconds=START_SECONDS)
    load = Load(door, "load", {**telco.example, "PaymentMethod": "Barter", "TotalCharges": None})
    load.start()
    wait_until(lambda: total(door, "churn_predictions") >= 10, "something is counted")
    before = counts(door)
    victim = door.worker_processes()[0]
    victim.kill()
    wait_until(lambda: victim.pid not in {each.pid for each in door.worker_processes()}, "it is gone")
    wait_until(lambda: all_serve(door), "it is replaced, and forgotten", seconds=START_SECONDS)
    assert total(door, "churn_model_info") == 2
    after = counts(door)
    assert {key: (value, after.get(key)) for key, value in before.items() if after.get(key, -1) < value} == {}
    load.finish()

    found = scraped(door)
    known = {metric.name: metric for metric in CATALOGUE if set(metric.origins) - {"exporter"}}
    assert set(known) <= set(found)
    for name, (shown, series) in found.items():
        assert shown == known[name].kind
        assert {label for _, labels in series for label, _ in labels} - {"le"} <= set(known[name].labels)
    assert load.failures == []
