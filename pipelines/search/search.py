"""A search: one Optuna study over all candidates, tried by several processes, and resumed by the same command."""

import os
import socket
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
import optuna
import pandas as pd
from optuna.trial import FrozenTrial

from churn.contract.contract import Contract
from churn.errors import UsageError
from churn.models.candidate import Candidate, Parameters
from pipelines.search.crew import Crew
from pipelines.search.study import translated
from pipelines.search.tickets import best_of, candidate_of, error_of, finished_of, parameters_of
from pipelines.search.watch import Watch
from pipelines.search.worker import Task, Worker

if TYPE_CHECKING:
    from pipelines.search.runs import TrialRuns
    from pipelines.tracking import Say

POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Searched:
    """The best parameters found for one candidate, with the cross-validated ROC-AUC that they reached.

    Attributes:
        trials: of this candidate, complete or not.
    """

    candidate: Candidate
    parameters: Parameters
    roc_auc: float
    trials: int


@dataclass(frozen=True, slots=True)
class Search:
    """One study over some candidates.

    Attributes:
        name: of the study; whoever has the same name and candidates goes on with the same trials.
        storage: SQLAlchemy address of the studies: SQLite for one machine, PostgreSQL for several.
        trials: of all candidates and machines together; never fewer than one per candidate.
        timeout_minutes: no trial begins after it, but for each candidate's defaults; 0: no limit.
        workers: processes on this machine, each on one core; 0: one per core. 1 works in this process, and finds the
            same again from the same seed.
        is_tracked: whether trials and pictures are shown in MLflow, when a run is active.
    """

    name: str
    storage: str
    contract: Contract
    candidates: Mapping[str, Candidate]
    trials: int
    seed: int
    timeout_minutes: float = 0
    workers: int = 1
    heartbeat_seconds: int = 15
    is_tracked: bool = True

    def run(
        self, frame: pd.DataFrame, labels: np.ndarray, splits: Sequence[tuple[np.ndarray, np.ndarray]], say: "Say"
    ) -> list[Searched]:
        """Run the trials that are still missing and return each candidate's best.

        Args:
            frame: raw columns, one row per customer.
            labels: 1 for customers who left, else 0; shape (rows,).
            splits: row numbers to fit on and to test on, per fold.
            say: is told of each trial that finished.

        Raises:
            UsageError: no trial of any candidate came to its end.
            StoreError: the database does not answer, or processes die again and again.
        """
        task = self._task(frame, labels, splits)
        with translated(self.storage), task.opened_study() as study:
            watch = Watch(task, study, 2 * self._processes, say, self._runs(task.study))
            watch.begin()
            self._work(task, study, watch)
            watch.end()
            self._show(study)
            return self._best(finished_of(study.get_trials(deepcopy=False)), say)

    def _task(self, frame: pd.DataFrame, labels: np.ndarray, splits: Sequence[tuple[np.ndarray, np.ndarray]]) -> Task:
        names = sorted(self.candidates)
        return Task(
            study=f"{self.name}-{sha256(' '.join(names).encode()).hexdigest()[:6]}",
            storage=self.storage,
            crew=f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}",
            contract=self.contract,
            candidates=tuple(self.candidates[name] for name in names),
            total=max(self.trials, len(names)),
            seed=self.seed,
            heartbeat_seconds=self.heartbeat_seconds,
            ends_at=time.time() + 60 * self.timeout_minutes if self.timeout_minutes else float("inf"),
            frame=frame,
            labels=labels,
            splits=splits,
        )

    @property
    def _processes(self) -> int:
        return self.workers or os.cpu_count() or 1

    def _work(self, task: Task, study: optuna.Study, watch: Watch) -> None:
        if self._processes > 1:
            _work_together(Crew(task, study, self._processes), watch)
        else:
            _work_alone(Worker(task, study), watch)

    def _best(self, finished: Sequence[FrozenTrial], say: "Say") -> list[Searched]:
        if best_of(finished) is None:
            raise UsageError(f"no trial of the search came to its end: {_reasons(finished)}")
        best: list[Searched] = []
        for name, candidate in self.candidates.items():
            own = [one for one in finished if candidate_of(one) == name]
            found = best_of(own)
            if found is None:
                say(f"{name} is left out, none of its trials came to an end: {_reasons(own)}")
            else:
                parameters = parameters_of(found, candidate)
                best.append(Searched(candidate, parameters, float(found.value or 0.0), len(own)))
        return best

    def _runs(self, study: str) -> "TrialRuns | None":
        import mlflow  # noqa: PLC0415  the processes that were spawned need neither mlflow nor its second

        from pipelines.search.runs import TrialRuns  # noqa: PLC0415

        is_shown = self.is_tracked and mlflow.active_run() is not None
        return TrialRuns(study, self.candidates.values()) if is_shown else None

    def _show(self, study: optuna.Study) -> None:
        import mlflow  # noqa: PLC0415  as above

        from pipelines.search.pictures import log_pictures  # noqa: PLC0415

        if self.is_tracked and mlflow.active_run() is not None:
            log_pictures(study, seed=self.seed)


def _work_alone(worker: Worker, watch: Watch) -> None:
    while worker.step():
        watch.look()


def _work_together(crew: Crew, watch: Watch) -> None:
    try:
        crew.start()
        while crew.is_busy:
            time.sleep(POLL_SECONDS)
            watch.look()
            crew.mend()
    finally:
        crew.stop()


def _reasons(trials: Sequence[FrozenTrial]) -> str:
    """Name each candidate's failures once."""
    found = {f"{candidate_of(one) or 'trial'}: {error}" for one in trials if (error := error_of(one))}
    return "; ".join(sorted(found)) or "all were stopped by the time limit"
