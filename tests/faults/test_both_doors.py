from collections.abc import Callable

from churn.contract.contract import Contract
from tests.faults.doors import Home, OpenDoor, wait_until
from tests.faults.scores import customers


def test_both_doors_give_the_same_numbers_record_each_once_and_end_in_order(
    open_door: Callable[..., OpenDoor], home: Home, on_disk: int, telco: Contract
) -> None:
    bento, fallback = open_door("bento", workers=2), open_door("fastapi")
    answers: dict[str, list[tuple[int, float, str, str]]] = {}
    for door in (bento.ready(), fallback.ready()):
        found = [
            door.predict(customer, key=f"{door.kind}-{number:04}") for number, customer in enumerate(customers(telco))
        ]
        answers[door.kind] = [
            (status, each["churn_probability"], each["risk_level"], each["model_version"]) for status, each in found
        ]
        assert {each["served_by"] for _, each in found} == {door.kind}
        assert all(each["recorded"] for _, each in found)

    assert answers["bento"] == answers["fastapi"]  # one at a time, so to the last bit
    assert {(status, version) for status, _, _, version in answers["bento"]} == {(200, str(on_disk))}
    counted, made = 'churn_predictions_total{door="bento"', len(answers["bento"])
    wait_until(lambda: bento.metric(counted) == made, "both workers' keepers have counted what they answered")
    wait_until(lambda: bento.metric("churn_model_info{") == 2, "both workers show their version")
    assert [bento.stop(), fallback.stop()] == [0, 0]
    wanted = {f"{kind}-{number:04}" for kind in answers for number in range(len(answers[kind]))}
    wait_until(lambda: set(home.stored_ids()) == wanted, "every prediction is stored")
    assert len(home.stored_ids()) == len(wanted)
