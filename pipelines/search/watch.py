"""What the process that began a search does meanwhile: keep tickets queued, tell of finished trials, log them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import optuna
from optuna.trial import FrozenTrial, TrialState

from pipelines.search.study import MISSED_BEATS
from pipelines.search.tickets import WORKER, best_of, candidate_of, error_of, finished_of, give_back, queue_missing
from pipelines.search.worker import Task

if TYPE_CHECKING:
    from pipelines.search.runs import TrialRuns
    from pipelines.tracking import Say


@dataclass(slots=True)
class Watch:
    """The view on one study from one machine.

    Attributes:
        ahead: how many tickets it keeps queued.
        runs: where trials are shown in MLflow; None: nowhere.
    """

    task: Task
    study: optuna.Study
    ahead: int
    say: "Say"
    runs: "TrialRuns | None"
    _known: set[int] = field(default_factory=set)
    _nameless: dict[int, float] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)
    _found_finished: int = 0

    def begin(self) -> None:
        """Queue what is missing, and take note of what an earlier run or another machine has done."""
        trials = self._look()
        self._known = {one.number for one in trials}
        self._found_finished = len(trials)
        if trials:
            self.say(f"search: {len(trials)} of {self.task.total} trials were there already")
        if self.runs:
            self.runs.adopt(self.study.get_trials(deepcopy=False))

    def look(self) -> None:
        """Queue what is missing, and tell of and log what has finished since the last look."""
        for trial in self._look():
            if trial.number not in self._known:
                self._known.add(trial.number)
                self.say(self._progress(trial))
                if self.runs and self._is_own(trial):
                    self.runs.log(trial)

    def end(self) -> None:
        """Look for the last time, and log what machines that are gone did not log."""
        self.look()
        if self.runs:
            self.runs.adopt_last(self.study)

    def _look(self) -> list[FrozenTrial]:
        queue_missing(self.study, self.task.candidates, self.task.total, ahead=self.ahead)
        trials = self.study.get_trials(deepcopy=False)
        self._give_back_nameless(trials)
        return sorted(finished_of(trials), key=lambda one: (str(one.datetime_complete), one.number))

    def _give_back_nameless(self, trials: Sequence[FrozenTrial]) -> None:
        """Give back what was claimed by a process that died before its first heartbeat: Optuna would never notice."""
        grace = self.task.heartbeat_seconds * MISSED_BEATS
        now = time.monotonic()
        for trial in trials:
            is_nameless = trial.state is TrialState.RUNNING and WORKER not in trial.user_attrs
            if is_nameless and now - self._nameless.setdefault(trial.number, now) > grace:
                give_back(self.study, trial)

    def _is_own(self, trial: FrozenTrial) -> bool:
        return str(trial.user_attrs.get(WORKER, "")).startswith(f"{self.task.crew}/")

    def _progress(self, trial: FrozenTrial) -> str:
        elapsed = time.monotonic() - self._began
        done, here = len(self._known), len(self._known) - self._found_finished
        left = elapsed / here * (self.task.total - done)
        end = f", about {_time(left)} left" if done < self.task.total else ""
        what = f"trial {done}/{self.task.total} {candidate_of(trial)} {_outcome(trial)}"
        return f"{what} ({self._best()}) · {_time(elapsed)}{end}"

    def _best(self) -> str:
        best = best_of(finished_of(self.study.get_trials(deepcopy=False)))
        return f"best {best.value:.4f} {candidate_of(best)}" if best else "none is complete yet"


def _outcome(trial: FrozenTrial) -> str:
    if trial.state is TrialState.COMPLETE:
        return f"ROC-AUC {trial.value:.4f}"
    if trial.state is TrialState.PRUNED:
        return f"given up after {len(trial.intermediate_values)} folds"
    return f"failed: {error_of(trial)}"


def _time(seconds: float) -> str:
    """Write a duration for people."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
