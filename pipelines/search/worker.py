"""One process of a search: it claims a ticket, cross-validates it, and goes on until nothing is left to do."""

import logging
import math
import multiprocessing
import os
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
import optuna
import pandas as pd
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, Trial, TrialState
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from churn.contract.contract import Contract
from churn.models.candidate import Candidate, Recipe
from pipelines.search.sampling import own_names, quiet
from pipelines.search.study import opened_study
from pipelines.search.tickets import CANDIDATE, ERROR, TICKET, WORKER, finished_of, is_searched, is_void, queue_missing

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.3
SHORTEST_PATIENCE_SECONDS = 60
"""A search that is full waits for the running trials of other machines: three times the longest that was seen, and at
least this long."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a process needs to know; it is sent to processes that were spawned.

    Attributes:
        crew: name of the search's processes on this machine.
        candidates: in the order of their first tickets.
        total: how many trials the study is to have.
        ends_at: seconds since 1970 after which no trial begins, but for defaults; infinity: no limit.
        frame: raw columns, one row per customer.
        labels: 1 for customers who left, else 0; shape (rows,).
        splits: row numbers to fit on and to test on, per fold.
    """

    study: str
    storage: str
    crew: str
    contract: Contract
    candidates: tuple[Candidate, ...]
    total: int
    seed: int
    heartbeat_seconds: int
    ends_at: float
    frame: pd.DataFrame
    labels: np.ndarray
    splits: Sequence[tuple[np.ndarray, np.ndarray]]

    def opened_study(self) -> AbstractContextManager[optuna.Study]:
        """Open the study; leaving the context closes its connections."""
        return opened_study(self.study, self.storage, seed=self.seed, heartbeat_seconds=self.heartbeat_seconds)

    def is_late(self) -> bool:
        """Tell whether the time is over."""
        return time.time() >= self.ends_at


class VoidError(Exception):
    """A trial that was claimed and is not wanted."""


class Worker:
    """Claims and tries tickets of one study."""

    def __init__(self, task: Task, study: optuna.Study) -> None:
        self._task = task
        self._study = study
        self._candidates = {one.name: one for one in task.candidates}
        self._searched = sorted(one.name for one in task.candidates if is_searched(one))
        self._idle_since: float | None = None

    def step(self) -> bool:
        """Try one ticket, or wait a moment for those that others try; False: nothing is left to do."""
        queue_missing(self._study, self._task.candidates, self._task.total, ahead=1)
        trials = self._study.get_trials(deepcopy=False)
        if any(self._may_begin(one) for one in trials):
            self._idle_since = None
            self._try_one()
            return True
        if self._task.is_late() or not self._is_worth_waiting(trials):
            return False
        time.sleep(PAUSE_SECONDS)
        with quiet():
            optuna.storages.fail_stale_trials(self._study)
        return True

    def _try_one(self) -> None:
        try:
            with quiet(), threadpool_limits(1):
                self._study.optimize(self._try, n_trials=1, catch=(Exception,))
        except (ValueError, UpdateFinishedTrialError):
            # Nobody heard this process for so long that its trial was given to another one.
            log.warning("a trial was taken for dead while it ran", extra={"study": self._task.study})

    def _may_begin(self, trial: FrozenTrial) -> bool:
        return trial.state is TrialState.WAITING and (self._is_default(trial.user_attrs) or not self._task.is_late())

    def _is_default(self, attributes: dict[str, int]) -> bool:
        return attributes.get(TICKET, math.inf) < len(self._task.candidates)

    def _is_worth_waiting(self, trials: Sequence[FrozenTrial]) -> bool:
        if all(one.state.is_finished() for one in trials):
            return False
        self._idle_since = self._idle_since or time.monotonic()
        longest = max((one.duration.total_seconds() for one in finished_of(trials) if one.duration), default=0.0)
        return time.monotonic() - self._idle_since < max(SHORTEST_PATIENCE_SECONDS, 3 * longest)

    def _try(self, trial: Trial) -> float:
        """Cross-validate one ticket; a failure is recorded with its reason, and is not the end of the search."""
        trials = self._study.get_trials(deepcopy=False)
        if is_void(next(one for one in trials if one.number == trial.number), trials):
            raise VoidError
        trial.set_user_attr(WORKER, f"{self._task.crew}/{os.getpid()}")
        if self._task.is_late() and not self._is_default(trial.user_attrs):
            raise VoidError
        try:
            return self._cross_validated(trial)
        except optuna.TrialPruned:
            raise
        except Exception as error:
            trial.set_user_attr(ERROR, f"{type(error).__name__}: {error}"[:500])
            raise

    def _cross_validated(self, trial: Trial) -> float:
        """Return the mean ROC-AUC over the folds."""
        task, candidate = self._task, self._chosen(trial)
        recipe = Recipe(task.contract, candidate.suggest(own_names(trial, candidate.name)), task.seed)
        scores: list[float] = []
        for fold, (train, test) in enumerate(task.splits):
            pipeline = candidate.build(recipe).fit(task.frame.iloc[train], task.labels[train])
            probability = pipeline.predict_proba(task.frame.iloc[test])[:, 1]
            scores.append(float(roc_auc_score(task.labels[test], probability)))
            trial.report(_finite(float(np.mean(scores))), fold)
            if fold < len(task.splits) - 1:
                self._give_up_early(trial)
        return float(np.mean(scores))

    def _chosen(self, trial: Trial) -> Candidate:
        fixed = trial.user_attrs.get(CANDIDATE)
        return self._candidates[fixed or trial.suggest_categorical(CANDIDATE, self._searched)]

    def _give_up_early(self, trial: Trial) -> None:
        if self._is_default(trial.user_attrs):
            return
        if self._task.is_late() or trial.should_prune():
            raise optuna.TrialPruned


def work(task: Task) -> None:
    """Work until nothing is left to do, or until the process that began the search is gone."""
    parent = multiprocessing.parent_process()
    with task.opened_study() as study:
        worker = Worker(task, study)
        while (parent is None or parent.is_alive()) and worker.step():
            pass


def _finite(value: float) -> float:
    """Optuna records NaN as a failure without a reason.

    Raises:
        ValueError: the score is no number.
    """
    if not math.isfinite(value):
        raise ValueError(f"the ROC-AUC is {value}: a fold is of one kind, or the model gives no numbers")
    return float(value)
