"""Tickets: each trial that a search wants is queued under a number, so that the total is never exceeded.

Ticket i is wanted for each i below `trials`; the first are the candidates' defaults, one each. A process claims a
ticket by turning its trial from waiting to running, which the database lets only one process do. Two machines that
queue the same ticket at the same moment do no harm: the later of the two is void.
"""

import copy
from collections.abc import Sequence
from typing import Any

import optuna
from optuna.storages import RetryHeartbeatStaleTrialCallback
from optuna.trial import FixedTrial, FrozenTrial, TrialState

from churn.models.candidate import Candidate
from pipelines.search.sampling import own_names, quiet

CANDIDATE, TICKET, WORKER, ERROR = "candidate", "ticket", "worker", "error"
"""CANDIDATE: the parameter that names the candidate, or the attribute where it is not searched. Attributes of a trial:
TICKET: its number; WORKER: who ran it; ERROR: why it failed."""

RETRIES = 3
"""How often a trial is tried again whose process was killed: one that fills the memory must end some day."""

KILLED = f"its process was killed {RETRIES + 1} times"


def candidate_of(trial: FrozenTrial) -> str:
    """Return the candidate's name; empty while the trial has not chosen one."""
    return str(trial.params.get(CANDIDATE) or trial.user_attrs.get(CANDIDATE) or "")


def is_held(trial: FrozenTrial) -> bool:
    """Tell whether the trial uses its ticket up; one that was interrupted or void does not."""
    if TICKET not in trial.user_attrs:
        return False
    return trial.state is not TrialState.FAIL or error_of(trial) is not None


def is_void(trial: FrozenTrial, trials: Sequence[FrozenTrial]) -> bool:
    """Tell whether an earlier trial uses the same ticket, or the trial has none."""
    ticket = trial.user_attrs.get(TICKET)
    earlier = (one for one in trials if one.number < trial.number and is_held(one))
    return ticket is None or any(one.user_attrs[TICKET] == ticket for one in earlier)


def error_of(trial: FrozenTrial) -> str | None:
    """Return why a trial failed for good; None: it did not."""
    if trial.state is not TrialState.FAIL:
        return None
    found = trial.user_attrs.get(ERROR)
    with quiet():
        is_given_up = len(RetryHeartbeatStaleTrialCallback.retry_history(trial)) >= RETRIES
    return str(found) if found else (KILLED if is_given_up else None)


def finished_of(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Return the trials that came to an end and count: complete, pruned or failed for good."""
    return [one for one in trials if one.state.is_finished() and is_held(one)]


def best_of(trials: Sequence[FrozenTrial]) -> FrozenTrial | None:
    """Return the complete trial with the highest ROC-AUC, of equal ones the earliest; None: none is complete."""
    complete = [one for one in trials if one.state is TrialState.COMPLETE]
    return max(complete, key=lambda one: (one.value or 0.0, -one.number), default=None)


def queue_missing(study: optuna.Study, candidates: Sequence[Candidate], total: int, *, ahead: int) -> None:
    """Queue tickets below `total` that no trial uses; safe to call at any time, from any machine.

    Args:
        study: of the search.
        candidates: in the order of their defaults' tickets.
        total: how many tickets there are.
        ahead: so many wait at most, besides the defaults: Optuna reads all that wait again and again.
    """
    trials = study.get_trials(deepcopy=False)
    held = {one.user_attrs[TICKET] for one in trials if is_held(one)}
    missing = [ticket for ticket in range(total) if ticket not in held]
    waiting = sum(one.state is TrialState.WAITING for one in trials)
    defaults = [ticket for ticket in missing if ticket < len(candidates)]
    for ticket in defaults + missing[len(defaults) :][: max(0, ahead - waiting - len(defaults))]:
        parameters, attributes = _contents(ticket, candidates)
        study.enqueue_trial(parameters, user_attrs={TICKET: ticket, **attributes})


def try_again(study: optuna.Study, trial: FrozenTrial) -> None:
    """Queue a trial of a killed process again, with the parameters that it had; not more than RETRIES times."""
    with quiet():
        RetryHeartbeatStaleTrialCallback(max_retry=RETRIES)(study, trial)


def give_back(study: optuna.Study, trial: FrozenTrial) -> None:
    """Queue a running trial again whose process is known to be gone."""
    with quiet():
        study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
        ended = copy.deepcopy(next(one for one in study.get_trials(deepcopy=False) if one.number == trial.number))
        if ended.state is TrialState.FAIL:
            try_again(study, ended)


def is_searched(candidate: Candidate) -> bool:
    """Tell whether a candidate has parameters to search."""
    return bool(candidate.suggest(FixedTrial(dict(candidate.defaults))))


def parameters_of(trial: Any, candidate: Candidate) -> dict[str, float | int | str]:
    """Return a finished trial's parameters, as the candidate names them."""
    return dict(candidate.suggest(own_names(FixedTrial(trial.params), candidate.name)))


def _contents(ticket: int, candidates: Sequence[Candidate]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what a ticket fixes: parameters, and attributes."""
    if ticket >= len(candidates):
        return {}, {}
    candidate = candidates[ticket]
    if not is_searched(candidate):
        return {}, {CANDIDATE: candidate.name}
    own = {f"{candidate.name}.{name}": value for name, value in candidate.defaults.items()}
    return {CANDIDATE: candidate.name, **own}, {}
