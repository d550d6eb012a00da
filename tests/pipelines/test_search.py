import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState

from churn.contract.contract import Contract
from churn.errors import StoreError, UsageError
from churn.evaluation.folds import make_folds
from churn.features.frame import raw_frame
from churn.models.candidate import Candidate
from churn.models.candidates import CANDIDATES
from pipelines.search import Search, Searched, storage_of
from pipelines.search.pruning import FIRST, WorstThirdPruner
from pipelines.search.tickets import TICKET, candidate_of, error_of, finished_of, is_held, queue_missing
from pipelines.tracking import silent
from tests.bundles import random_columns, random_target
from tests.pipelines.toy_candidates import FAILING, FIXED, GOOD, SLOW, WEAK, toy, toy_rows

FOLDS = 3


@dataclass
class Bench:
    """A database of studies, and searches of toys in it."""

    url: str
    contract: Contract
    said: list[str] = field(default_factory=list)

    def search(self, *candidates: Candidate, trials: int, **more: Any) -> list[Searched]:
        frame, labels = toy_rows()
        search = Search(
            name="s",
            storage=storage_of(self.url),
            contract=self.contract,
            candidates={one.name: one for one in candidates},
            trials=trials,
            **{"seed": 3, "heartbeat_seconds": 1, **more},
        )
        return search.run(frame, labels, make_folds(labels, folds=FOLDS, seed=1)[0], self.said.append)

    @property
    def study(self) -> optuna.Study:
        [name] = optuna.get_all_study_names(self.url)
        return optuna.load_study(study_name=name, storage=self.url)

    @property
    def trials(self) -> list[FrozenTrial]:
        return self.study.trials


@pytest.fixture
def new_bench(telco: Contract, tmp_path: Path) -> Callable[[], Bench]:
    numbers = itertools.count()
    return lambda: Bench(f"sqlite:///{tmp_path / f'optuna-{next(numbers)}.db'}", telco)


@pytest.fixture
def bench(new_bench: Callable[[], Bench]) -> Bench:
    return new_bench()


@pytest.fixture(scope="module")
def mlflow_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mlflow") / "mlflow.db"


@pytest.fixture
def experiment(mlflow_database: Path, tmp_path: Path) -> None:
    mlflow.set_tracking_uri(f"sqlite:///{mlflow_database}")
    mlflow.create_experiment(tmp_path.name, artifact_location=tmp_path.as_uri())
    mlflow.set_experiment(tmp_path.name)


def nested_runs() -> list[mlflow.entities.Run]:
    found = mlflow.search_runs(output_format="list")
    return [one for one in found if "mlflow.parentRunId" in one.data.tags]


def test_the_trials_are_those_of_all_candidates_together_and_begin_with_the_defaults(bench: Bench) -> None:
    found = bench.search(GOOD, WEAK, trials=7)

    assert [one.candidate.name for one in found] == ["good", "weak"]
    assert sum(one.trials for one in found) == len(bench.trials) == 7
    first = {candidate_of(one): one.params for one in bench.trials[:2]}
    assert first["good"] == {"candidate": "good", "good.noise": 1.0, "good.shape": "round"}
    assert first["weak"] == {"candidate": "weak", "weak.noise": 1.0, "weak.shape": "round"}


def test_the_best_of_a_candidate_has_its_own_names_and_the_values_that_are_not_searched(bench: Bench) -> None:
    [best] = bench.search(GOOD, trials=6)

    top = max(bench.trials, key=lambda one: one.value or 0)
    assert best.parameters == {"noise": top.params["good.noise"], "shape": top.params["good.shape"], "fixed": 7}
    assert best.roc_auc == top.value
    assert best.roc_auc == pytest.approx(np.mean(list(top.intermediate_values.values())[-1]))


def test_the_search_spends_its_trials_where_it_pays(bench: Bench) -> None:
    good, weak = bench.search(GOOD, WEAK, trials=30)

    assert good.trials > 1.5 * weak.trials
    assert good.roc_auc > weak.roc_auc + 0.2


def test_there_is_at_least_one_trial_per_candidate(bench: Bench) -> None:
    found = bench.search(GOOD, WEAK, SLOW, trials=1)

    assert [one.trials for one in found] == [1, 1, 1]


def test_a_candidate_without_parameters_is_tried_once(bench: Bench) -> None:
    found = bench.search(GOOD, FIXED, trials=12)

    assert {one.candidate.name: one.trials for one in found} == {"good": 11, "fixed": 1}
    assert found[1].parameters == {}


def test_the_same_seed_finds_the_same(new_bench: Callable[[], Bench]) -> None:
    one, other, third = new_bench(), new_bench(), new_bench()

    same = one.search(GOOD, WEAK, trials=14) == other.search(WEAK, GOOD, trials=14)[::-1]
    third.search(GOOD, WEAK, trials=14, seed=4)

    assert same
    assert [trial.params for trial in one.trials] == [trial.params for trial in other.trials]
    assert [trial.params for trial in one.trials] != [trial.params for trial in third.trials]


def test_a_search_that_goes_on_proposes_what_it_would_have_proposed_without_the_break(
    new_bench: Callable[[], Bench],
) -> None:
    broken, whole = new_bench(), new_bench()

    broken.search(GOOD, WEAK, trials=5)
    broken.search(GOOD, WEAK, trials=14)
    whole.search(GOOD, WEAK, trials=14)

    assert [one.params for one in broken.trials] == [one.params for one in whole.trials]
    assert "5 of 14 trials were there" in broken.said[5]


def test_progress_is_told_once_per_trial_with_the_time_that_is_left(bench: Bench) -> None:
    bench.search(GOOD, trials=3)

    assert len(bench.said) == 3
    assert bench.said[0].startswith("trial 1/3 good ROC-AUC 0.")
    assert "left" in bench.said[0]
    assert "left" not in bench.said[2]


@pytest.mark.usefixtures("experiment")
def test_a_failure_is_recorded_with_its_reason_and_the_search_goes_on(bench: Bench) -> None:
    with mlflow.start_run():
        found = bench.search(GOOD, FAILING, trials=12)

    failed = [one for one in bench.trials if one.state is TrialState.FAIL]
    assert [one.candidate.name for one in found] == ["good"]
    assert len(bench.trials) == 12
    assert {error_of(one) for one in failed} == {"ValueError: Expected n_neighbors <= n_samples of 133 rows"}
    assert any(line.startswith("failing is left out") and "n_neighbors" in line for line in bench.said)
    shown = [one for one in nested_runs() if one.info.status == "FAILED"]
    assert len(shown) == len(failed)
    assert {one.data.tags["error"] for one in shown} == {error_of(failed[0])}


def test_a_search_in_which_everything_fails_says_why(bench: Bench) -> None:
    with pytest.raises(UsageError, match=r"failing: ValueError: Expected n_neighbors <= n_samples"):
        bench.search(FAILING, trials=3)

    assert len(bench.trials) == 3


def test_a_score_that_is_no_number_is_a_failure_with_a_reason(bench: Bench) -> None:
    hopeless = toy("hopeless", floor=float("nan"))

    with pytest.raises(UsageError, match="hopeless: ValueError: Input contains NaN"):
        bench.search(hopeless, trials=2)


def test_after_the_time_only_defaults_are_tried(bench: Bench) -> None:
    found = bench.search(GOOD, WEAK, trials=30, timeout_minutes=1e-9)

    assert [one.trials for one in found] == [1, 1]
    assert not [one for one in bench.trials[2:] if one.state is not TrialState.WAITING]


@pytest.mark.slow
def test_a_trial_that_runs_when_the_time_is_over_is_given_up_at_its_next_fold(bench: Bench) -> None:
    [found] = bench.search(toy("sleepy", kind="sleepy"), trials=30, timeout_minutes=3 / 60)

    assert found.trials == 2
    assert bench.trials[1].state is TrialState.PRUNED
    assert len(bench.trials[1].intermediate_values) == 1


def test_a_search_that_was_stopped_by_time_goes_on_later(bench: Bench) -> None:
    bench.search(GOOD, trials=8, timeout_minutes=1e-9)

    [found] = bench.search(GOOD, trials=8)

    assert found.trials == 8


def test_a_ticket_that_two_machines_queued_is_tried_once(bench: Bench) -> None:
    bench.search(GOOD, trials=2)
    for _ in range(2):
        bench.study.enqueue_trial({}, user_attrs={TICKET: 2})
    bench.study.enqueue_trial({}, user_attrs={TICKET: 0})

    [found] = bench.search(GOOD, trials=4)

    assert found.trials == 4
    assert sorted(one.user_attrs[TICKET] for one in bench.trials if is_held(one)) == [0, 1, 2, 3]


def test_queueing_is_repeated_without_harm(bench: Bench) -> None:
    bench.search(GOOD, trials=2)

    for _ in range(3):
        queue_missing(bench.study, [GOOD], 9, ahead=3)

    assert [one.user_attrs[TICKET] for one in bench.trials] == [0, 1, 2, 3, 4]


def test_a_trial_whose_process_died_right_after_it_was_claimed_is_tried_again(bench: Bench) -> None:
    bench.search(GOOD, trials=2, timeout_minutes=1e-9)
    claimed = bench.study.ask()

    [found] = bench.search(GOOD, trials=2)

    assert found.trials == 2
    assert bench.trials[claimed.number].state is TrialState.FAIL
    assert [one.user_attrs[TICKET] for one in bench.trials if is_held(one)] == [0, 1]


def finished(candidate: str, *values: float, state: TrialState = TrialState.COMPLETE) -> FrozenTrial:
    return optuna.create_trial(
        state=state,
        value=values[-1] if state is TrialState.COMPLETE else None,
        params={"candidate": candidate},
        distributions={"candidate": CategoricalDistribution(("a", "b"))},
        intermediate_values=dict(enumerate(values)),
    )


def test_a_candidates_first_trials_are_never_given_up() -> None:
    study = optuna.create_study(direction="maximize")
    study.add_trials([finished("a", 0.9, 0.9)] * 5 + [finished("b", 0.6, 0.6)] * (FIRST - 1))
    running = finished("b", 0.1, state=TrialState.RUNNING)

    is_given_up = WorstThirdPruner().prune(study, running)
    study.add_trial(finished("b", 0.6, 0.6))

    assert not is_given_up
    assert WorstThirdPruner().prune(study, running)


def test_a_trial_is_compared_with_its_own_candidate_at_the_same_fold() -> None:
    study = optuna.create_study(direction="maximize")
    study.add_trials([finished("a", 0.9, 0.9)] * 5 + [finished("b", 0.6, 0.8)] * 5)

    assert not WorstThirdPruner().prune(study, finished("b", 0.65, state=TrialState.RUNNING))
    assert WorstThirdPruner().prune(study, finished("b", 0.65, 0.65, state=TrialState.RUNNING))
    assert WorstThirdPruner().prune(study, finished("a", 0.65, state=TrialState.RUNNING))


@pytest.mark.usefixtures("experiment")
def test_each_trial_is_one_nested_run_also_when_the_search_goes_on(bench: Bench) -> None:
    for trials in (2, 5, 5):
        with mlflow.start_run():
            bench.search(GOOD, trials=trials)

    runs = nested_runs()
    assert sorted(int(one.data.tags["trial"]) for one in runs) == [0, 1, 2, 3, 4]
    assert all({"noise", "shape", "fixed"} == set(one.data.params) for one in runs)
    assert all(one.data.tags["candidate"] == "good" for one in runs)
    assert all("search_roc_auc" in one.data.metrics for one in runs)
    assert {one.info.run_id for one in runs if one.info.end_time < one.info.start_time} == set()


@pytest.mark.usefixtures("experiment")
def test_trials_that_a_killed_search_did_not_log_are_logged_by_the_next(bench: Bench) -> None:
    bench.search(GOOD, trials=3, is_tracked=False)

    with mlflow.start_run():
        bench.search(GOOD, trials=4)

    assert sorted(int(one.data.tags["trial"]) for one in nested_runs()) == [0, 1, 2, 3]


@pytest.mark.usefixtures("experiment")
def test_a_search_leaves_pictures_a_page_and_a_table(bench: Bench, tmp_path: Path) -> None:
    with mlflow.start_run() as run:
        bench.search(GOOD, FIXED, trials=22)

    listed = mlflow.MlflowClient().list_artifacts(run.info.run_id, "search")
    assert {Path(one.path).name for one in listed} == {
        "history.png", "timeline.png", "importance.png", "slices.png", "study.html", "trials.csv"
    }  # fmt: skip
    folder = tmp_path / run.info.run_id / "artifacts" / "search"
    table = (folder / "trials.csv").read_text().splitlines()
    assert len(table) == 23
    assert "good.noise" in table[0]
    assert "<script" in (folder / "study.html").read_text()


def test_real_candidates_share_a_study(telco: Contract, tmp_path: Path) -> None:
    columns = random_columns(telco, 90, seed=0)
    labels = random_target(columns, seed=0)
    search = Search(
        name="s",
        storage=storage_of(f"sqlite:///{tmp_path / 'optuna.db'}"),
        contract=telco,
        candidates={"logistic": CANDIDATES["logistic"], "catboost": CANDIDATES["catboost"]},
        trials=2,
        seed=3,
    )

    found = search.run(raw_frame(columns), labels, make_folds(labels, folds=2, seed=0)[0], silent)

    assert [one.candidate.name for one in found] == ["logistic", "catboost"]
    for one in found:
        assert {name: one.parameters[name] for name in one.candidate.defaults} == one.candidate.defaults


def test_two_processes_share_the_trials_of_one_search(bench: Bench) -> None:
    [found] = bench.search(GOOD, trials=6, workers=2)

    assert found.trials == 6
    tried = finished_of(bench.trials)  # one that took a ticket too late is void: it has none, or has failed
    assert sorted(one.user_attrs[TICKET] for one in tried) == [0, 1, 2, 3, 4, 5]
    assert {one.state for one in tried} <= {TrialState.COMPLETE, TrialState.PRUNED}
    assert len(bench.said) == 6


def test_a_database_that_does_not_answer_is_named_without_its_password() -> None:
    with pytest.raises(StoreError, match=r"sqlite:////nowhere/at/all.db can't be used.*CHURN_OPTUNA_URL"):
        storage_of("sqlite:////nowhere/at/all.db")

    with pytest.raises(StoreError, match="can't be used") as caught:
        storage_of("postgresql+psycopg://me:secret-word@127.0.0.1:1/optuna")
    assert "secret-word" not in str(caught.value)
