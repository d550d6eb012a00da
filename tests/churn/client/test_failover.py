import threading
import time
from collections.abc import Callable

import pytest

from churn.client import Client
from churn.client.answers import Prediction
from churn.contract.contract import Contract
from tests.faults.conftest import home, logged, on_disk, open_door, shop
from tests.faults.doors import Home, OpenDoor, wait_until

__all__ = ["home", "logged", "on_disk", "open_door", "shop"]

pytestmark = pytest.mark.slow
PREDICTIONS = 500


@pytest.mark.usefixtures("on_disk")
def test_bentoml_is_killed_among_500_predictions_and_the_caller_does_not_notice(
    open_door: Callable[..., OpenDoor], home: Home, telco: Contract
) -> None:
    bento, fallback = open_door("bento").ready(), open_door("fastapi").ready()
    answered: list[Prediction] = []
    longest = 0.0

    with Client([f"http://127.0.0.1:{door.port}" for door in (bento, fallback)], timeout_seconds=10.0) as client:
        killer = threading.Thread(
            target=lambda: (wait_until(lambda: len(answered) > 150, "150 are sent"), bento.kill())
        )
        killer.start()
        began = time.monotonic()
        for prediction in client.predict_many([telco.example] * PREDICTIONS, at_once=4):
            answered.append(prediction)
            longest, began = max(longest, time.monotonic() - began), time.monotonic()
        killer.join()
        assert client.health().door == "fastapi"

    assert {each.served_by for each in answered} == {"bento", "fastapi"}
    assert all(each.recorded for each in answered)
    assert longest < 3.0
    wanted = {each.prediction_id for each in answered}
    assert len(wanted) == PREDICTIONS
    wait_until(lambda: wanted <= set(home.stored_ids()), "every prediction is stored", seconds=40)
    assert sorted(home.stored_ids()) == sorted(wanted)
