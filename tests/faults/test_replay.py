"""What both real doors recorded under mixed traffic replays, every bit of it, and one edited row is found."""

import json
import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import mlflow
import numpy as np
import pytest

from churn.bundle.files import digest_of
from churn.contract.contract import Contract
from pipelines.replay import Question, replay
from pipelines.settings import PipelineSettings
from services.api.formats.media import MEDIA
from tests.bundles import random_columns
from tests.faults.conftest import Shop
from tests.faults.doors import Home, OpenDoor, wait_until
from tests.services.api.tables import FORMATS, encoded
from tests.tracking import own_tracking

pytestmark = pytest.mark.slow
WANTED = 10_000
SINGLES, CLIENTS = 80, 8
BATCH_ROWS, FRAME_ROWS = 500, 200
CANARY_SHARE = 0.3


@pytest.mark.usefixtures("on_disk")
def test_ten_thousand_predictions_of_both_doors_and_three_roles_replay_in_every_bit(
    open_door: Callable[..., OpenDoor], home: Home, shop: Shop, telco: Contract
) -> None:
    since = datetime.now(UTC)
    home.environment |= {"CHURN_REQUESTS_PER_MINUTE": "1000000", "CHURN_BODY_BYTES": "2000000"}
    canary = cast(shop, "canary", {"canary_share": str(CANARY_SHARE), "canary_salt": "salt"})
    shadow = cast(shop, "shadow", {})
    doors = [open_door("fastapi"), open_door("bento", workers=2)]
    for door in doors:
        door.ready()
    wait_until(lambda: all(door.health()["canary"] for door in doors), "both doors have a canary", seconds=90)
    wait_until(lambda: is_shadowed(doors[0], telco), "the shadow is scored", seconds=90)

    answered = sum(send_everything(door, telco) for door in doors)
    wait_until(lambda: roles(home)["shadow"] >= answered, "all is stored, and beside it the shadow's", seconds=90)
    assert [door.stop() for door in doors] == [0, 0]

    settings = PipelineSettings(home=home.folder, model=shop.name, tracking=shop.uri)
    found = replay(Question(since=since), settings=settings)
    counted = roles(home)
    assert (found.different, found.gone) == (0, 0)
    assert found.identical == sum(counted.values()) >= WANTED
    assert {each.version for each in found.versions} == {1, canary, shadow}
    assert CANARY_SHARE / 2 < counted["canary"] / answered < 2 * CANARY_SHARE

    edited = edit_one(home)
    after = replay(Question(since=since), settings=settings)
    assert (after.identical, after.different) == (found.identical - 1, 1)
    assert {each.prediction_id for version in after.versions for each in version.first} == {edited}


def cast(shop: Shop, alias: str, tags: dict[str, str]) -> int:
    """Register another bundle, and give it an alias."""
    with own_tracking():
        mlflow.set_tracking_uri(shop.uri)
        digest = digest_of(shop.folders["second"])
        made = shop.registry.register(shop.name, shop.logged["second"], run_id=shop.run_id, digest=digest, tags=tags)
        shop.registry.move_alias(made, alias)
    return made.version


def is_shadowed(door: OpenDoor, contract: Contract) -> bool:
    """A shadow is taken up with the next prediction that is stored."""
    door.predict(dict(contract.example))
    return bool((door.health()["shadow"] or {}).get("scored"))


def send_everything(door: OpenDoor, contract: Contract) -> int:
    """Send singles in parallel, batches of every format, and frames; return how many rows were answered."""
    customers = rows_of(contract, SINGLES * CLIENTS, seed=len(door.kind))
    statuses: list[int] = []

    def send(some: list[dict[str, Any]]) -> None:
        statuses.extend(door.predict(each, wait=30.0)[0] for each in some)

    clients = [threading.Thread(target=send, args=(customers[first::CLIENTS],)) for first in range(CLIENTS)]
    for client in clients:
        client.start()
    batches = [send_batch(door, contract, kind, seed=seed) for seed, kind in enumerate(FORMATS)]
    frame = json.dumps({"dataframe_records": rows_of(contract, FRAME_ROWS, seed=9)}).encode()
    statuses.append(door.ask("POST", "/invocations", frame, {"content-type": "application/json"}, wait=30.0)[0])
    for client in clients:
        client.join()
    assert set(statuses) == {200}
    return len(customers) + sum(batches) + FRAME_ROWS


def send_batch(door: OpenDoor, contract: Contract, kind: Any, *, seed: int) -> int:
    rows = rows_of(contract, BATCH_ROWS, seed=20 + seed)
    content = encoded(kind, [{name: row.get(name) for name in contract.columns} for row in rows])
    headers = {"content-type": MEDIA[kind], "accept": MEDIA["json"]}  # type: ignore[index]
    status, answer = door.ask("POST", "/predict/batch", content, headers, wait=60.0)
    assert (status, json.loads(answer)["rejected"]) == (200, [])
    return BATCH_ROWS


def rows_of(contract: Contract, rows: int, *, seed: int) -> list[dict[str, Any]]:
    """Random customers whose charges have cents, each without what is missing."""
    columns = random_columns(contract, rows, seed=seed)
    cents = np.random.default_rng(seed).uniform(0, 1, rows).tolist()
    lists = {name: values.tolist() for name, values in columns.items()}
    lists["MonthlyCharges"] = [charge + cent for charge, cent in zip(lists["MonthlyCharges"], cents, strict=True)]
    return [
        {name: value for name, value in zip(lists, row, strict=True) if value not in ("", None) and value == value}  # noqa: PLR0124  NaN
        for row in zip(*lists.values(), strict=True)
    ]


def roles(home: Home) -> dict[str, int]:
    """Number of stored predictions by role."""
    with sqlite3.connect(home.database, timeout=20) as connection:
        found = dict(connection.execute("select role, count(*) from predictions group by role"))
    connection.close()
    return {"production": 0, "canary": 0, "shadow": 0, **found}


def edit_one(home: Home) -> str:
    """Change one recorded answer by hand, by as little as can be."""
    with sqlite3.connect(home.database, timeout=20) as connection:
        query = "select prediction_id, probability from predictions where role = 'canary' limit 1"
        name, probability = connection.execute(query).fetchone()
        changed = float(np.nextafter(np.float32(probability), np.float32(1)))
        connection.execute("update predictions set probability = ? where prediction_id = ?", (changed, name))
    connection.close()
    return str(name)
