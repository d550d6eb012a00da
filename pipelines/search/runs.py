"""Trials as nested MLflow runs: each once, by the machine that ran it, or by one that finds it not yet logged."""

import time
from collections.abc import Iterable, Sequence
from datetime import datetime

import mlflow
import optuna
from mlflow.entities import Metric, Param, RunTag
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID
from optuna.trial import FrozenTrial, TrialState

from churn.models.candidate import Candidate
from pipelines.search.tickets import WORKER, candidate_of, error_of, finished_of, parameters_of

STUDY_TAG, TRIAL_TAG = "study", "trial"
LONGEST_PARAMETER = 6000
OTHERS_LOG_WITHIN_SECONDS = 3.0
"""A machine that is alive logs its own trials within this time."""


class TrialRuns:
    """The nested runs of one study below the run that is active."""

    def __init__(self, study: str, candidates: Iterable[Candidate]) -> None:
        parent = mlflow.active_run()
        if parent is None:
            raise RuntimeError("trials are shown below an active run")
        self._client = mlflow.MlflowClient()
        self._parent, self._experiment = parent.info.run_id, parent.info.experiment_id
        self._study = study
        self._candidates = {one.name: one for one in candidates}

    def log(self, trial: FrozenTrial) -> None:
        """Show one finished trial, with the times at which it really ran."""
        name = candidate_of(trial)
        tags = {
            MLFLOW_PARENT_RUN_ID: self._parent,
            "candidate": name,
            "state": trial.state.name.lower(),
            STUDY_TAG: self._study,
            TRIAL_TAG: str(trial.number),
            **({"error": error} if (error := error_of(trial)) else {}),
        }
        run_name = f"{name or 'trial'}-{trial.number}"
        run = self._client.create_run(self._experiment, start_time=_began(trial), tags=tags, run_name=run_name)
        self._client.log_batch(
            run.info.run_id, metrics=_metrics(trial), params=self._parameters(trial), tags=_user(trial)
        )
        status = "FAILED" if trial.state is TrialState.FAIL else "FINISHED"
        self._client.set_terminated(run.info.run_id, status, end_time=_ended(trial))

    def adopt(self, trials: Sequence[FrozenTrial]) -> None:
        """Log what nobody has logged and nobody will: the trials of machines that have none running."""
        alive = {_crew(one) for one in trials if one.state is TrialState.RUNNING}
        for trial in self._not_logged(trials):
            if _crew(trial) not in alive:
                self.log(trial)

    def adopt_last(self, study: optuna.Study) -> None:
        """Log at the end what others have not; they are given time for it."""
        if self._not_logged(study.get_trials(deepcopy=False)):
            time.sleep(OTHERS_LOG_WITHIN_SECONDS)
            self.adopt(study.get_trials(deepcopy=False))

    def _not_logged(self, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        finished = finished_of(trials)
        logged = self._logged() if finished else set()
        return [one for one in finished if one.number not in logged]

    def _logged(self) -> set[int]:
        """Return the numbers of the trials that have a run, below whichever parent."""
        query, token, found = f"tags.{STUDY_TAG} = '{self._study}'", None, set()
        while True:
            page = self._client.search_runs([self._experiment], query, max_results=1000, page_token=token)
            found |= {int(run.data.tags[TRIAL_TAG]) for run in page}
            token = page.token
            if not token:
                return found

    def _parameters(self, trial: FrozenTrial) -> list[Param]:
        """Return the candidate's own parameters; a trial that failed early has not all of them."""
        try:
            found = parameters_of(trial, self._candidates[candidate_of(trial)])
        except (KeyError, ValueError):
            found = dict(trial.params)
        return [Param(name, str(value)[:LONGEST_PARAMETER]) for name, value in found.items()]


def _crew(trial: FrozenTrial) -> str:
    return str(trial.user_attrs.get(WORKER, "")).rpartition("/")[0]


def _user(trial: FrozenTrial) -> list[RunTag]:
    return [RunTag(name, str(value)) for name, value in trial.user_attrs.items() if name == WORKER]


def _metrics(trial: FrozenTrial) -> list[Metric]:
    """Return the mean ROC-AUC after each fold."""
    at = _ended(trial)
    return [Metric("search_roc_auc", value, at, fold) for fold, value in sorted(trial.intermediate_values.items())]


def _began(trial: FrozenTrial) -> int:
    return _milliseconds(trial.datetime_start)


def _ended(trial: FrozenTrial) -> int:
    return _milliseconds(trial.datetime_complete)


def _milliseconds(moment: datetime | None) -> int:
    """Optuna keeps local times without a zone."""
    return int((moment.timestamp() if moment else time.time()) * 1000)
