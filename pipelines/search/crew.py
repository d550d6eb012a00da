"""The processes of a search on this machine: begun, replaced when they die, ended."""

import multiprocessing
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess

import optuna
from optuna.trial import TrialState

from churn.errors import StoreError
from pipelines.search.tickets import WORKER, give_back
from pipelines.search.worker import Task, work

SPARE = 3
"""So many deaths per process are borne; then something is wrong that trying again does not mend."""


@dataclass(slots=True)
class Crew:
    """Some processes, spawned: a fork would share database connections and the threads of numeric libraries."""

    task: Task
    study: optuna.Study
    size: int
    _processes: list[BaseProcess] = field(default_factory=list)
    _deaths: int = 0

    @property
    def is_busy(self) -> bool:
        """Whether any process is at work."""
        return bool(self._processes)

    def start(self) -> None:
        """Begin all processes."""
        for _ in range(self.size):
            self._begin_one()

    def mend(self) -> None:
        """Forget processes that have ended; give the trials of those that died back, and begin others.

        Raises:
            StoreError: they die again and again.
        """
        for process in [one for one in self._processes if not one.is_alive()]:
            self._processes.remove(process)
            if process.exitcode:
                self._deaths += 1
                self._give_back(process)
                self._begin_another(process.exitcode)

    def stop(self) -> None:
        """End what still runs; its trials can be had by others."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join()
            self._give_back(process)
        self._processes.clear()

    def _begin_one(self) -> None:
        process = multiprocessing.get_context("spawn").Process(target=work, args=(self.task,), daemon=True)
        process.start()
        self._processes.append(process)

    def _begin_another(self, exit_code: int) -> None:
        if self._deaths > SPARE * self.size:
            raise StoreError(
                f"{self._deaths} processes of the search died, the last with exit status {exit_code}: -9 is mostly a "
                "machine without memory (ask for fewer `workers`); 1 left its reason on stderr"
            )
        self._begin_one()

    def _give_back(self, process: BaseProcess) -> None:
        name = f"{self.task.crew}/{process.pid}"
        running = self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        for trial in running:
            if trial.user_attrs.get(WORKER) == name:
                give_back(self.study, trial)
