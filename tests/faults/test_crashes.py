"""Kill -9 before and after each step of what must survive it; then another process goes on, unhindered."""

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from churn.scoring.loading import load_scorer
from churn.settings import environment_for_children
from churn.stores.agreement import strays
from churn.stores.database import open_database, open_migrated
from churn.stores.job_files import home_id
from churn.stores.jobs import JobStore
from churn.stores.orders import NewJob
from churn.stores.promotions import Move, PromotionLog
from pipelines.record import verify
from pipelines.register import note_registered
from pipelines.settings import PipelineSettings
from pipelines.status import status
from services.exchange import Pointer, read_note
from services.settings import ServiceSettings
from tests.faults.conftest import Logged, Shop, home_of, put_on_disk, shop_of
from tests.faults.crasher import ACKNOWLEDGED, CUSTOMERS, JOB_ID, Errand, write_customers
from tests.faults.doors import ROOT, Home
from tests.faults.points import Point, points_of
from tests.faults.tally import tell
from tests.tracking import own_tracking

pytestmark = pytest.mark.slow

KILLED, WELL = "-9", "0"


@dataclass
class Crasher:
    """A process whose children do errands, and die as they are told."""

    process: subprocess.Popen[str]
    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """What each kind of work survived."""

    def send(self, errand: Errand) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{errand.model_dump_json()}\n")
        self.process.stdin.flush()
        return self.line()

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def kill(self, errand: Errand, point: Point) -> None:
        """Do the errand until it dies; a point that is never reached proves nothing."""
        doomed = {"work": point.work, "function": point.function, "is_after": point.is_after, "call": point.call}
        assert self.send(errand.model_copy(update=doomed)) == KILLED

    def go_on(self, errand: Errand, work: str) -> None:
        assert self.send(errand.model_copy(update={"work": work})) == WELL


@pytest.fixture(scope="module")
def crasher() -> Iterator[Crasher]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.crasher"], cwd=ROOT, env=environment_for_children(), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with process:
        found = Crasher(process)
        assert found.line() == "ready"
        yield found
        assert process.stdin is not None
        process.stdin.close()
    for work, counted in found.counts.items():
        tell("T7", f"kill -9 before or after a named step: {work}", **counted)


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("database") / "churn.db"
    engine = open_migrated(f"sqlite:///{path}")
    engine.dispose()
    return path


@pytest.fixture
def errand(tmp_path: Path, empty_database: Path) -> Errand:
    """Nothing but a home with a database."""
    shutil.copy(empty_database, tmp_path / "churn.db")
    return Errand(work="", home=tmp_path)


@pytest.fixture
def stocked(shop: Shop, logged: Logged, tmp_path: Path, empty_database: Path) -> Errand:
    """A home whose version in production is on its disk."""
    home = home_of(shop, logged, tmp_path / "home")
    shutil.copy(empty_database, home.database)
    with own_tracking():
        put_on_disk(home, shop)
    return Errand(work="", home=home.folder, model=shop.name, tracking=shop.uri)


@pytest.mark.parametrize("point", points_of("record", "relay"), ids=str)
def test_what_was_acknowledged_is_stored_exactly_once(crasher: Crasher, errand: Errand, point: Point) -> None:
    if point.work == "relay":
        crasher.go_on(errand, "record")
    crasher.kill(errand, point)
    crasher.go_on(errand, "relay")
    crasher.go_on(errand, "relay")

    stored = Home(errand.home, {}).stored_ids()
    told = errand.home / ACKNOWLEDGED
    acknowledged = set(told.read_text().split()) if told.exists() else set()
    assert acknowledged <= set(stored)
    assert len(stored) == len(set(stored))
    assert len(stored) - len(acknowledged) <= 1  # the one that it died with, before it could say so
    assert list((errand.home / "spool").glob("*.jsonl")) == []
    log = verify(settings=PipelineSettings(home=errand.home))
    assert (log.findings, log.predictions) == ([], len(stored))
    crasher.counts[point.work].update(faults=1, acknowledged=len(acknowledged), lost=0, twice=0)


@pytest.mark.parametrize("point", points_of("mirror"), ids=str)
def test_the_pointer_always_names_a_bundle_that_loads(
    crasher: Crasher, shop: Shop, stocked: Errand, point: Point
) -> None:
    with own_tracking():
        second = shop.promote("second")
    crasher.kill(stocked, point)

    assert pointed_version(stocked) in {second - 1, second}

    crasher.go_on(stocked, "mirror")

    assert pointed_version(stocked) == second
    crasher.counts[point.work].update(faults=1)


def pointed_version(errand: Errand) -> int:
    """Load what the pointer names, as a worker does."""
    settings = ServiceSettings(home=errand.home, model=errand.model)
    pointer = read_note(Pointer, settings.pointer_file)
    assert pointer is not None
    folder = settings.bundle_folder / pointer.digest
    return load_scorer(folder, name=pointer.name, version=pointer.version, digest=pointer.digest).version


@pytest.mark.parametrize("point", points_of("roll back"), ids=str)
def test_a_half_done_move_is_in_the_audit_and_the_next_one_ends_it(
    crasher: Crasher, shop: Shop, stocked: Errand, point: Point
) -> None:
    settings = PipelineSettings(home=stocked.home, model=stocked.model, tracking=stocked.tracking)
    log = PromotionLog(open_database(settings.database_url))
    with own_tracking():
        second = shop.promote("second")
    move = Move(shop.name, "promote", from_version=second - 1, to_version=second, actor="a test")
    log.finish(log.prepare(move, reason="something to go back from"), "done")
    crasher.kill(stocked, point)

    after, history = production(shop), [(move.action, move.status) for move in status(settings=settings).history]
    assert after in {second - 1, second}
    is_noted, is_done = ("rollback", "prepared") in history, ("rollback", "done") in history
    assert is_noted or after == second
    assert after == second - 1 or not is_done
    assert [move.to_version for move in log.unfinished(shop.name)] == [second - 1] * (is_noted and not is_done)

    expire_leases(stocked)
    crasher.go_on(stocked, "roll back")

    assert production(shop) == second - 1
    crasher.counts[point.work].update(faults=1, half_done_and_seen=is_noted and not is_done)


@pytest.fixture
def settled(shop: Shop, stocked: Errand) -> Errand:
    """Two versions, registered as ours: the first in production, and the canary."""
    settings = settings_of(stocked)
    log = PromotionLog(open_database(settings.database_url))
    with own_tracking():
        first = shop.registry.version(shop.name, 1)
        shop.promote("second")
        for bundle in reversed(shop.registry.versions(shop.name)):
            note_registered(bundle, "a test", "made for it", settings=settings)
        for alias in ("production", "canary"):
            shop.registry.move_alias(first, alias)
            log.note(Move(shop.name, "give", None, first.version, "a test", alias=alias), reason="to begin with")
        shop.registry.tag(first, {"canary_share": "0.5"})
        shop.registry.mirror_stage(first)
    return stocked


def settings_of(errand: Errand) -> PipelineSettings:
    return PipelineSettings(home=errand.home, model=errand.model, tracking=errand.tracking)


@pytest.mark.parametrize("point", points_of("promote", "give an alias", "take an alias"), ids=str)
def test_after_a_crash_in_a_move_reconcile_makes_log_and_registry_agree(
    crasher: Crasher, shop: Shop, settled: Errand, point: Point
) -> None:
    crasher.kill(settled, point)
    expire_leases(settled)
    with own_tracking():
        before = shop.registry.aliases(shop.name)
    crasher.go_on(settled, "reconcile")

    log = PromotionLog(open_database(settings_of(settled).database_url))
    with own_tracking():
        aliases, versions = shop.registry.aliases(shop.name), shop.registry.versions(shop.name)
        outside, staged = strays(shop.registry, log, shop.name), shop.registry.staged(shop.name)
    alias = "production" if point.work == "promote" else "canary"
    moved = [move.status for move in log.history(shop.name) if move.alias == alias and move.actor == "a test"]
    assert aliases == before  # the alias is the truth
    assert (outside, log.unfinished(shop.name), staged) == ([], [], [aliases["production"]])
    assert all(("canary_share" in one.tags) == (one.version == aliases.get("canary")) for one in versions)
    assert moved[0] in {"done", "failed"}
    crasher.counts[point.work].update(faults=1, ended_as_failed=moved[0] == "failed")


def production(shop: Shop) -> int:
    with own_tracking():
        found = shop.registry.production(shop.name)
    assert found is not None
    return found.version


def expire_leases(errand: Errand) -> None:
    """Do what a minute does."""
    with closing(sqlite3.connect(errand.home / "churn.db")) as connection, connection:
        connection.execute("update leases set expires_at = '2000-01-01T00:00:00.000Z'")


@pytest.fixture(scope="module")
def undisturbed(crasher: Crasher, logged: Logged, tmp_path_factory: pytest.TempPathFactory) -> Errand:
    """A home in which the same customers were scored into both outputs at one go."""
    shop, folder = shop_of(logged), tmp_path_factory.mktemp("undisturbed")
    home = home_of(shop, logged, folder / "home")
    with own_tracking():
        put_on_disk(home, shop)
    write_customers(home.folder / "customers.csv")
    errand = Errand(work="", home=home.folder, model=shop.name, tracking=shop.uri)
    for work in ("score a file", "score a table"):
        crasher.go_on(errand, work)
    assert len(outcome(errand, "score a file")[0].splitlines()) == CUSTOMERS - 10 + 1
    return errand


@pytest.mark.parametrize("point", points_of("score a file", "score a table"), ids=str)
def test_scores_of_a_killed_job_are_those_of_an_undisturbed_one(
    crasher: Crasher, undisturbed: Errand, tmp_path: Path, point: Point
) -> None:
    home = tmp_path / "home"
    (home / "bundles").mkdir(parents=True)
    shutil.copytree(undisturbed.home / "bundles", home / "bundles", dirs_exist_ok=True)
    shutil.copy(undisturbed.home / "customers.csv", home)
    errand = undisturbed.model_copy(update={"home": home})
    crasher.kill(errand, point)
    crasher.go_on(errand, point.work)

    assert outcome(errand, point.work) == outcome(undisturbed, point.work)
    assert [path.name for path in home.iterdir() if path.suffix in {".part", ".progress", ".tmp"}] == []
    crasher.counts[point.work].update(faults=1)


def outcome(errand: Errand, work: str) -> tuple[bytes, bytes]:
    """Return all that a scoring job leaves but the time at which it ran."""
    if work == "score a file":
        return (errand.home / "scores.csv").read_bytes(), (errand.home / "scores.rejected.csv").read_bytes()
    with closing(sqlite3.connect(errand.home / "scores.db")) as connection:
        connection.row_factory = sqlite3.Row
        rows = [dict(row) for row in connection.execute("select * from churn_scores order by customer_id")]
        rows += [dict(row) for row in connection.execute("select * from churn_score_jobs")]
    timeless = [{name: row[name] for name in row if name != "scored_at"} for row in rows]
    return json.dumps(timeless).encode(), (errand.home / "customers.rejected.csv").read_bytes()


@pytest.mark.parametrize("point", points_of("job"), ids=str)
def test_a_job_ends_once_and_is_not_done_again_after_its_end(crasher: Crasher, errand: Errand, point: Point) -> None:
    store = JobStore(open_database(f"sqlite:///{errand.home / 'churn.db'}"))
    store.add(
        NewJob(job_id=JOB_ID, kind="score", model_name="churn", actor="me", parameters={}, home=home_id(errand.home))
    )
    crasher.kill(errand, point)
    before = store.get(JOB_ID)
    time.sleep(0.3)  # its lease ends
    crasher.go_on(errand, "job")
    crasher.go_on(errand, "job")

    found, worked = store.get(JOB_ID), (errand.home / "worked").read_text().split()
    assert (found.status, found.result) == ("done", {"rows": 3})
    assert len(worked) == len(set(worked)) <= 2  # each attempt once
    if before.has_ended:
        assert (len(worked), found) == (1, before)
    crasher.counts[point.work].update(faults=1)
