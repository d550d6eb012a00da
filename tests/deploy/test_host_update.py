"""What `make update` decides without an engine."""

import argparse

import pytest

from deploy.host import update
from deploy.host.containers import Container
from deploy.host.doors import PORTS
from deploy.host.former import kept_name, names_in
from deploy.host.services import PROFILES

CONFIGURATION = """
services:
  bento:
    image: holdfast/bento:1.2
  fastapi:
    image: "registry.example:5000/holdfast/serving:1.2"
  worker:
    image: holdfast/pipelines:1.2
  scheduler:
    image: holdfast/pipelines:1.2
  postgres:
    image: postgres:15
"""


def container(status: str, *, health: str = "", restarts: int = 0) -> Container:
    return Container("id", "holdfast/bento:1", "sha256:1", status, health, restarts, 0)


def test_only_our_images_are_kept_each_once() -> None:
    assert names_in(CONFIGURATION) == [
        "holdfast/bento:1.2", "holdfast/pipelines:1.2", "registry.example:5000/holdfast/serving:1.2",
    ]  # fmt: skip


def test_two_installations_of_one_host_keep_their_own() -> None:
    name = "registry.example:5000/holdfast/serving:1.2"

    assert kept_name(name, "shop") == "registry.example:5000/holdfast/serving:before-shop"
    assert kept_name(name, "shop") != kept_name(name, "lab")


def test_databases_are_never_made_anew() -> None:
    services = [service for profile in PROFILES.values() for service in profile]

    assert {"postgres", "mariadb", "redis"} <= set(services)
    assert not {"postgres", "mariadb", "redis"} & set(update.own(services))


def test_the_doors_and_the_front_have_steps_of_their_own() -> None:
    services = [*PROFILES["core"], *PROFILES["monitoring"]]

    assert not {*PORTS, "front", "migrate"} & set(update.others(services))
    assert {"mlflow", "worker", "scheduler", "exporter", "prometheus"} <= set(update.others(services))


@pytest.mark.parametrize(("found", "is_well", "is_lost"), [
    (container("running", health="healthy"), True, False),
    (container("running"), True, False),
    (container("running", health="starting"), False, False),
    (container("running", health="unhealthy"), False, False),
    (container("restarting", restarts=1), False, False),
    (container("restarting", restarts=3), False, True),
    (container("exited"), False, True),
    (container("paused", health="healthy"), False, False),
])  # fmt: skip
def test_a_container_that_ends_over_and_over_is_not_waited_for(found: Container, is_well: bool, is_lost: bool) -> None:
    assert (found.is_well, found.is_lost) == (is_well, is_lost)


def test_its_options_are_what_the_makefile_says() -> None:
    parser = argparse.ArgumentParser()
    update.options(parser)

    assert parser.parse_args(["--back", "--pull"]) == argparse.Namespace(
        back=True, pull=True, no_build=False, patience=180.0
    )
