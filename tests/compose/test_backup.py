"""A backup of an installation at work becomes a second one, in which every acknowledged prediction is, and replays."""

import json
import os
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from churn.contract.reading import load_contract
from deploy.host.backups.manifest import Manifest
from tests.compose.conftest import MakeStack
from tests.compose.stack import ROOT, Stack

pytestmark = pytest.mark.slow

PREDICTIONS, SPOOLED = 1_000, 40
QUICK = "--trials 1 --candidates logistic"
OF_ONE_ANSWER = ("prediction_id", "customer_id", "timestamp", "served_by")
"""What another answer to the same question has otherwise."""

PROFILES = os.environ.get("CHURN_TEST_BACKUP_PROFILES", "core")  # noqa: TID251  core,mysql by hand


@dataclass(frozen=True, slots=True)
class Moved:
    """An installation, its backup, and what was made of that.

    Attributes:
        acknowledged: ids of predictions by when they were acknowledged, in seconds since 1970.
        spooled: those that only a spool was to hold.
        unstored: those of them that were in no database when the backup was complete.
    """

    stack: Stack
    backup: Path
    second: Stack
    said: str
    acknowledged: Mapping[str, float]
    spooled: frozenset[str]
    unstored: frozenset[str]

    @property
    def manifest(self) -> Manifest:
        return Manifest.read(self.backup)


@dataclass(slots=True)
class Asker:
    """Asks the front about customers, again and again, and notes what it acknowledged."""

    stack: Stack
    rows: list[dict[str, object]]
    acknowledged: dict[str, float] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)

    def ask(self, count: int) -> frozenset[str]:
        with self._client() as client, ThreadPoolExecutor(4) as pool:
            return frozenset(filter(None, pool.map(lambda at: self._one(client, at), range(count))))

    def go_on(self) -> None:
        with self._client() as client:
            at = 0
            while not self.stopping.wait(0.05):
                self._one(client, at := at + 1)

    def _client(self) -> httpx.Client:
        return httpx.Client(base_url=self.stack.url("front"), timeout=15, trust_env=False)

    def _one(self, client: httpx.Client, at: int) -> str:
        try:
            answer = client.post("/api/v1/predict", json=self.rows[at % len(self.rows)])
        except httpx.HTTPError:
            return ""
        if answer.status_code != 200:
            return ""
        prediction_id = str(answer.json()["prediction_id"])
        self.acknowledged[prediction_id] = time.time()
        return prediction_id


@pytest.fixture(scope="module")
def rows() -> list[dict[str, object]]:
    """Customers who differ."""
    example = load_contract(ROOT / "contracts" / "telco.yaml").example
    return [{**example, "tenure": at % 72, "MonthlyCharges": 20 + at / 5} for at in range(500)]


@pytest.fixture(scope="module")
def moved(new_stack: MakeStack, customers: Path, rows: list[dict[str, object]]) -> Iterator[Moved]:
    """Predict, break PostgreSQL so that some predictions stay in a spool, back up under load, restore beside it."""
    stack = new_stack("backup", profiles=PROFILES)
    stack.make("secrets")
    stack.run("python3", "-m", "deploy.host", "up", "--data", str(customers), "--ring", QUICK)
    asker = Asker(stack, rows)
    while len(asker.acknowledged) < PREDICTIONS:
        asker.ask(PREDICTIONS)
    spooled, paused = spool_some(stack, asker)
    load = threading.Thread(target=asker.go_on)
    load.start()
    try:
        stack.make("backup", TO="backups/one")
        unstored = spooled - stored(stack)
    finally:
        asker.stopping.set()
        load.join()
        stack.run("docker", "unpause", *paused)
    second = Stack(stack.folder.parent / f"{stack.name}2", f"{stack.name}2")
    try:
        said = stack.make("restore", FROM="backups/one", PROJECT=second.name).stdout
        yield Moved(stack, stack.folder / "backups" / "one", second, said, dict(asker.acknowledged), spooled, unstored)
    finally:
        second.remove()


def spool_some(stack: Stack, asker: Asker) -> tuple[frozenset[str], list[str]]:
    """Have predictions acknowledged that no database holds: the doors that have them are paused, the others relay."""
    store = "mariadb" if "mysql" in PROFILES else "postgres"
    stack.compose("stop", store)
    spooled = asker.ask(SPOOLED)
    paused = [stack.compose("ps", "-q", "bento").stdout.strip()]
    stack.run("docker", "pause", *paused)
    stack.compose("start", store)
    deadline = time.monotonic() + 60
    while stack.state_of(store)["Health"]["Status"] != "healthy":
        assert time.monotonic() < deadline
        time.sleep(0.5)
    return spooled, paused


def stored(stack: Stack) -> set[str]:
    """Return the ids of all recorded predictions."""
    sql = "SELECT prediction_id FROM predictions"
    if "mysql" in PROFILES:
        shell = f'MYSQL_PWD="$MARIADB_PASSWORD" mariadb -u churn -BN -e "{sql}" churn'
        return set(stack.compose("exec", "-T", "mariadb", "sh", "-c", shell).stdout.split())
    return set(stack.compose("exec", "-T", "postgres", "psql", "-U", "postgres", "-Atc", sql, "churn").stdout.split())


def test_every_prediction_that_was_acknowledged_before_the_backup_is_there(moved: Moved) -> None:
    began = datetime.fromisoformat(moved.manifest.began).timestamp()
    before = {one for one, at in moved.acknowledged.items() if at < began}
    found = stored(moved.second)

    assert len(before) >= PREDICTIONS
    assert not before - found
    assert not moved.spooled - found


def test_the_spooled_ones_were_in_no_dump(moved: Moved) -> None:
    """Else nothing was proven about spools."""
    assert len(moved.unstored) > SPOOLED // 2
    assert moved.manifest.spooled["bento-home"]


def test_a_restore_proves_what_it_brought_back(moved: Moved) -> None:
    for words in (
        "segments of the doors' spools are in SQL",
        "reach to the backup's anchor",
        "reconcile: nothing to mend",
    ):
        assert words in moved.said
    assert "replay: 1,000 predictions came out as recorded, bit for bit" in moved.said
    assert "FAILED" not in moved.said


def test_a_thousand_predictions_replay_bit_for_bit_in_the_second_installation(moved: Moved) -> None:
    said = moved.second.churn("replay", "--since", "2000-01-01", "--limit", "1000", "--json").stdout
    told = json.loads(next(line for line in said.splitlines() if line.startswith("{")))

    assert (told["identical"], told["different"], told["gone"]) == (1_000, 0, 0)


def test_both_installations_give_the_same_customers_the_same_answers(
    moved: Moved, rows: list[dict[str, object]]
) -> None:
    for row in rows[:20]:
        one, other = (stack.predict(row).json() for stack in (moved.stack, moved.second))
        assert {**one, **dict.fromkeys(OF_ONE_ANSWER)} == {**other, **dict.fromkeys(OF_ONE_ANSWER)}


def test_the_second_has_secrets_of_its_own_and_lets_nobody_in_by_the_first_ones(moved: Moved) -> None:
    first, second = moved.stack.settings, moved.second.settings
    same = {name for name in first if "PASSWORD" in name or "SECRET" in name or "KEY" in name} - {
        "HOLDFAST_S3_ACCESS_KEY"
    }

    assert not [name for name in same if first[name] and first[name] == second.get(name)]
    assert as_administrator(moved.second, second) == 200
    assert as_administrator(moved.second, first) == 401
    assert not (moved.backup / "environment").exists()


def as_administrator(stack: Stack, settings: Mapping[str, str]) -> int:
    """Return how MLflow answers its administrator."""
    account = ("admin", settings["HOLDFAST_MLFLOW_ADMIN_PASSWORD"])
    url = f"{stack.url('mlflow')}/api/2.0/mlflow/experiments/get?experiment_id=0"
    return httpx.get(url, auth=account, trust_env=False, timeout=20).status_code


def test_a_truncated_file_is_refused_before_anything_is_touched(moved: Moved, tmp_path: Path) -> None:
    shutil.copytree(moved.backup, tmp_path / "cut")
    os.truncate(tmp_path / "cut" / "artifacts.tar.gz", 1000)
    done = moved.second.make("restore", FROM=str(tmp_path / "cut"), check=False)

    assert done.returncode != 0
    assert "is damaged, and nothing was touched: artifacts.tar.gz has 1,000 bytes instead of" in done.stdout


def test_an_installation_in_use_is_refused(moved: Moved) -> None:
    done = moved.stack.make("restore", FROM=str(moved.backup), check=False)

    assert done.returncode != 0
    assert "nothing was touched: this installation is in use" in done.stdout
    assert moved.stack.predict().status_code == 200


def test_a_backup_with_no_room_or_no_database_says_so_and_leaves_nothing(moved: Moved, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    moved.stack.run("mount", "-t", "tmpfs", "-o", "size=1m", "none", str(small))
    try:
        full = moved.stack.make("backup", TO=str(small / "one"), check=False)
    finally:
        moved.stack.run("umount", str(small))
    moved.stack.compose("stop", "postgres")
    down = moved.stack.make("backup", TO=str(tmp_path / "b" / "two"), check=False)
    moved.stack.compose("start", "postgres")

    assert (full.returncode != 0, down.returncode != 0) == (True, True)
    assert "free, and the backup may need" in full.stdout
    assert "postgres does not run: start it with `make up`" in down.stdout
    assert not (tmp_path / "b").exists()


def test_a_restore_into_the_same_installation_brings_it_back_after_its_volumes_were_lost(moved: Moved) -> None:
    """With the same secrets, whose audit key the anchor's signature is checked with."""
    moved.second.remove()
    moved.stack.compose("down", "--volumes")
    said = moved.stack.make("restore", FROM=str(moved.backup)).stdout

    assert "reach to the backup's anchor\n" in said
    assert not moved.spooled - stored(moved.stack)
    assert moved.stack.predict().status_code == 200
