"""The pipeline's stages in order on a local clone, with the paths on which it has to fail."""

import json
from collections.abc import Iterator

import pytest

from churn.data.sampler_file import write_sample
from tests.faults.doors import Home, Load, OpenDoor
from tests.jenkins.driver import Ended, Jenkins
from tests.postgres import free_port
from tests.services.conftest import CUSTOMER

pytestmark = pytest.mark.slow

CANDIDATE = ["check", "test", "version", "train", "evaluate", "register", "gate", "build", "staging", "smoke", "load"]
RELEASE = ["approve", "release", "production", "promote", "watch"]
QUIET = {
    "gate": "exit 0",
    "build": "exit 0",
    "staging": 'if [ "$2" = up ]; then echo http://127.0.0.1:1 > reports/staging; exit 0; fi',
    "smoke": "exit 0",
    "load": "exit 0",
}
"""In place of what the scenario is not about."""


class Customers(Load):
    """They come when the door has something to tell them."""

    def run(self) -> None:
        while not self._stopping.wait(0.2):
            if self._door.is_ready():
                super().run()


@pytest.fixture(scope="module")
def jenkins(classes: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jenkins]:
    """A clone and a home of its own, whose door in production is open and has customers."""
    folder = tmp_path_factory.mktemp("jenkins")
    write_sample(folder / "customers.csv", 1500, seed=11)
    door = OpenDoor("fastapi", Home(folder / "home", {"OMP_NUM_THREADS": "1"}))
    environment = {
        "CHURN_HOME": str(folder / "home"),
        "CHURN_STAGING_PORT": str(free_port()),
        "CHURN_DOORS": f"http://127.0.0.1:{door.port}",
        "BENTOML_HOME": str(folder / "shelf"),
        "OMP_NUM_THREADS": "1",
    }
    parameters = {"DATA": str(folder / "customers.csv"), "CANDIDATES": "logistic", "TRIALS": "2", "LOAD_SECONDS": "2",
                  "LOAD_RATE": "10", "LOAD_P99_MS": "5000", "WATCH_SECONDS": "4"}  # fmt: skip
    load = Customers(door, "customer", CUSTOMER, pause=0.05)
    load.start()
    yield Jenkins(folder, classes, environment, dict(parameters))
    load.finish()
    door.stop()


@pytest.fixture(scope="module")
def first(jenkins: Jenkins) -> Ended:
    """The first build: nothing is in production before it."""
    return jenkins.build()


@pytest.fixture(scope="module")
def equal(jenkins: Jenkins, first: Ended) -> Ended:
    """The second build: the same customers and the same kind of model, with another seed."""
    assert first.result == "SUCCESS", first.log[-3000:]
    return jenkins.build(SEED="8", TRIALS="1", SKIP_TESTS=True)


@pytest.fixture(scope="module")
def second(equal: Ended) -> int:
    """The version of the second build."""
    return int((equal.archive / "reports" / "version").read_text())


def production(jenkins: Jenkins) -> int:
    found = json.loads(jenkins.churn("status", "--json"))
    return int(found["production"]["version"])


def staging(jenkins: Jenkins) -> bool:
    return bool(json.loads(jenkins.churn("staging", "status", "--json"))["running"])


def test_a_candidate_goes_through_every_stage_into_production(jenkins: Jenkins, first: Ended) -> None:
    assert first.stages == ["candidate", *CANDIDATE, *RELEASE], first.log[-3000:]
    assert first.result == "SUCCESS", first.log[-3000:]
    assert production(jenkins) == 1
    assert not staging(jenkins), "staging is taken down at the end"


def test_no_executor_is_held_while_a_person_is_waited_for(first: Ended) -> None:
    assert [each["agents"] for each in first.of("input")] == [0]


def test_production_is_locked_for_the_release_alone(first: Ended) -> None:
    kinds = [each["kind"] for each in first.events]
    locked, unlocked = kinds.index("locked"), kinds.index("unlocked")

    assert [each["resource"] for each in first.of("locked")] == ["holdfast-production"]
    assert kinds.index("input") < locked, "nobody is kept out while a person is waited for"
    assert {each["stage"] for each in first.events[locked:unlocked]} >= {"promote", "watch"}


def test_reports_are_kept_with_the_build(first: Ended) -> None:
    kept = {path.name for path in (first.archive / "reports").iterdir()}

    assert {"run", "version", "verdict.json", "smoke.xml", "load.xml", "load.json", "tests.xml", "churn.bento"} <= kept
    assert json.loads((first.archive / "reports" / "verdict.json").read_text())["version"] == 1


def test_no_secret_is_written_into_the_log(jenkins: Jenkins, first: Ended) -> None:
    assert f"sqlite:///{jenkins.folder / 'home' / 'churn.db'}" not in first.log


def test_an_equal_version_is_held_and_the_build_is_unstable(jenkins: Jenkins, equal: Ended) -> None:
    assert equal.result == "UNSTABLE", equal.log[-3000:]
    assert equal.commands == ["train", "evaluate", "register", "gate -> 3", "staging down"]
    assert json.loads((equal.archive / "reports" / "verdict.json").read_text())["decision"] == "hold"
    assert equal.of("locked") == []
    assert production(jenkins) == 1


def test_a_rejected_version_is_deployed_nowhere(jenkins: Jenkins, second: int) -> None:
    ended = jenkins.build({"gate": "exit 2"}, VERSION=str(second), SKIP_TESTS=True)

    assert (ended.result, ended.commands) == ("FAILURE", ["gate -> 2", "staging down"])
    assert production(jenkins) == 1


def test_a_version_that_fails_the_smoke_is_not_promoted_and_staging_is_taken_down(
    jenkins: Jenkins, second: int
) -> None:
    another = 'exec "$PYTHON" -m cli.main "$@" --version 99'

    ended = jenkins.build({"gate": "exit 0", "build": "exit 0", "smoke": another}, VERSION=str(second), SKIP_TESTS=True)

    assert ended.result == "FAILURE"
    assert ended.commands == ["gate", "build", "staging up", "smoke -> 2", "staging down"]
    assert "FAIL version 99 is served: version 2 is served" in ended.log
    assert [each["failures"] for each in ended.of("junit")] == [1]
    assert (production(jenkins), staging(jenkins)) == (1, False)


def test_when_the_promotion_fails_the_old_version_stays(jenkins: Jenkins, second: int) -> None:
    ended = jenkins.build({**QUIET, "promote": "exit 1"}, VERSION=str(second), SKIP_TESTS=True)

    assert ended.result == "FAILURE"
    assert ended.commands[-2:] == ["promote -> 1", "staging down"]
    assert production(jenkins) == 1


def test_when_the_watch_fails_production_goes_back(jenkins: Jenkins, second: int) -> None:
    words = {"VERSION": str(second), "SKIP_TESTS": True, "OVERRIDE_REASON": "to try what comes after"}

    ended = jenkins.build({**QUIET, "watch": "exit 1"}, **words)

    assert ended.result == "FAILURE"
    assert ended.commands[-4:] == ["promote", "watch -> 1", "rollback", "staging down"], ended.log[-3000:]
    assert production(jenkins) == 1


def test_nothing_moves_when_approval_is_refused(jenkins: Jenkins, second: int) -> None:
    ended = jenkins.build(QUIET, answer="refuse", VERSION=str(second), SKIP_TESTS=True)

    assert (ended.result, ended.commands[-1]) == ("ABORTED", "staging down")
    assert "promote" not in ended.stages
    assert production(jenkins) == 1


def test_a_failing_test_ends_the_build_before_anything_is_trained(jenkins: Jenkins) -> None:
    ended = jenkins.build({"make-test": "exit 1"})

    assert (ended.result, ended.stages[-1], ended.commands) == ("FAILURE", "test", ["staging down"])


@pytest.mark.usefixtures("first")
def test_at_its_time_the_build_retrains_and_does_nothing_else(jenkins: Jenkins) -> None:
    ended = jenkins.build(cause="TimerTrigger")

    assert (ended.result, ended.stages) == ("SUCCESS", ["scheduled", "retrain"]), ended.log[-3000:]
    assert ended.commands == ["retrain", "staging down"]
