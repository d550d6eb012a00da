import json
import socket

import pytest

from cli.simulation.sending import Pace, send
from tests.churn.client.scripted import answers, breaks_off, in_turn, refuses, scripted

CUSTOMERS = [{"tenure": number} for number in range(20)]


@pytest.fixture
def nobody() -> str:
    """An address at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_each_customer_is_sent_once_to_the_doors_in_turn() -> None:
    with scripted(answers()) as first, scripted(answers()) as second:
        sent = send(CUSTOMERS, [first.url, second.url], api_key="hf_1")

    bodies = [json.loads(each.body) for door in (first, second) for each in door.received]
    assert sorted(body["tenure"] for body in bodies) == list(range(20))
    assert (len(first.received), len(second.received)) == (10, 10)
    assert {each.headers["x-api-key"] for each in first.received} == {"hf_1"}
    assert set(sent.prediction_ids) == {*first.keys, *second.keys}
    assert (sent.sent, sent.answered, sent.lost, sent.tries_again) == (20, 20, 0, 0)
    assert sent.customers == tuple(range(20))
    assert sent.probabilities == (0.78,) * 20


def test_a_rate_is_kept_and_the_customers_come_again() -> None:
    with scripted(answers()) as door:
        sent = send(CUSTOMERS[:7], [door.url], pace=Pace(rate=100, seconds=0.5))

    assert sent.sent == sent.answered == 50
    assert sent.customers[:8] == (0, 1, 2, 3, 4, 5, 6, 0)
    assert sent.seconds >= 0.45
    assert list(sent.milliseconds) == ["p50", "p95", "p99", "max"]
    assert 0 < sent.milliseconds["p50"] <= sent.milliseconds["max"]


def test_without_a_rate_it_may_go_on_for_a_time() -> None:
    with scripted(answers()) as door:
        sent = send(CUSTOMERS[:3], [door.url], pace=Pace(seconds=0.3))

    assert sent.answered == sent.sent > 3
    assert len(door.received) == sent.sent


def test_the_other_door_is_asked_with_the_same_key(nobody: str) -> None:
    with scripted(answers()) as door:
        sent = send(CUSTOMERS, [nobody, door.url])

    assert (sent.answered, sent.lost, sent.tries_again) == (20, 0, 10)
    assert len(set(door.keys)) == 20


@pytest.mark.parametrize("reply", [breaks_off, refuses(503), refuses(429)])
def test_what_may_go_better_a_little_later_is_tried_again_with_the_same_key(reply: object) -> None:
    with scripted(in_turn(reply, answers())) as door:  # type: ignore[arg-type]
        sent = send(CUSTOMERS[:1], [door.url])

    assert (sent.answered, sent.tries_again) == (1, 1)
    assert len(set(door.keys)) == 1
    assert len(door.received) == 2


def test_a_refusal_is_counted_and_not_repeated() -> None:
    with scripted(in_turn(refuses(422), answers())) as door:
        sent = send(CUSTOMERS, [door.url])

    assert (sent.sent, sent.answered, sent.refused, sent.failed) == (20, 19, 1, 0)
    assert sent.statuses == {422: 1}
    assert len(door.received) == 20


def test_what_no_door_answers_in_time_has_failed(nobody: str) -> None:
    sent = send(CUSTOMERS[:3], [nobody], pace=Pace(patience_seconds=0.2))

    assert (sent.sent, sent.answered, sent.refused, sent.failed) == (3, 0, 0, 3)
    assert sent.milliseconds == {}
    assert json.loads(json.dumps(sent.counts()))["failed"] == 3
