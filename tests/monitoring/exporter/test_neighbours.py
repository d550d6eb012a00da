"""Neighbours: who answers, who is away, and who hangs."""

import socket
from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from churn import metrics
from cli.pulse import pulse
from monitoring.exporter.neighbours import neighbour_facts
from monitoring.settings import MonitoringSettings
from tests.postgres import free_port
from tests.redis_server import RedisServer, redis_server

__all__ = ["redis_server"]


@pytest.fixture
def silent() -> Iterator[int]:
    """A port whose connections are taken and never answered, as of a process that is stopped."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


def asked(**addresses: str) -> dict[str, float]:
    facts = neighbour_facts(addresses, seconds=0.5)
    return {name: value for (name,), value in facts[metrics.NEIGHBOUR_UP].items()}


def test_one_that_answers_is_told_from_one_that_is_away_and_one_that_hangs(silent: int) -> None:
    port = free_port()

    with pulse(f"127.0.0.1:{port}"):
        found = asked(
            worker=f"http://127.0.0.1:{port}/metrics",
            front=f"http://127.0.0.1:{free_port()}/livez",
            reports=f"http://127.0.0.1:{silent}/",
        )

    assert found == {"worker": 1, "front": 0, "reports": 0}


def test_a_refusal_is_an_answer(redis_server: RedisServer) -> None:
    assert asked(redis=redis_server.url.replace("//", "//:not-its-password@")) == {"redis": 1}


def test_a_name_that_nobody_has_is_away() -> None:
    assert asked(front="http://nobody.invalid:1/") == {"front": 0}


def test_neighbours_are_named_by_comma_and_one_without_an_address_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHURN_NEIGHBOURS", "front=http://front:8080/livez, redis=redis://redis:6379,reports=")

    assert MonitoringSettings().neighbours == {"front": "http://front:8080/livez", "redis": "redis://redis:6379"}


@pytest.mark.parametrize("address", ["front:8080", "https://front:8080", "http://front", "redis://redis"])
def test_an_address_that_could_not_be_asked_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="write http://host:port/path or redis://host:port"):
        MonitoringSettings(neighbours={"front": address})
