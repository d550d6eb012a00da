"""Retrain: decide whether to train anew; if so train, evaluate, register, and promote when the gate agrees.

Reads:  the newest training's table and contract, labelled predictions, runs of drift and performance, decisions.
Writes: the decision with its reasons and facts; if it is to train what those stages write, and what came of it.
"""

import json
import logging
import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sqlalchemy import Engine

from churn.errors import NotFoundError, UsageError
from churn.stores.database import open_migrated
from churn.stores.leases import Lease, kept_lease
from churn.stores.retrain_decisions import Choice, RetrainDecision, RetrainDecisionStore
from churn.stores.stage_runs import StageRunLog, noted
from pipelines.retraining.attempt import Attempt, Outcome
from pipelines.retraining.considering import consider
from pipelines.retraining.evidence import FAILED
from pipelines.retraining.material import fingerprint_of
from pipelines.retraining.parameters import RetrainParameters
from pipelines.settings import PipelineSettings
from pipelines.tracking import Say, find_training, open_tracking

log = logging.getLogger(__name__)

STAGE = "retrain"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants of a retraining.

    Attributes:
        data: a table to take as it is; None: the newest training's, with live customers added.
        forced: why it should happen in any case; "": when something calls for it.
        overrides: parameters of train that are not those of the newest training.
    """

    data: Path | None = None
    forced: str = ""
    is_dry_run: bool = False
    overrides: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Retrained:
    """What was decided, and what came of it.

    Attributes:
        number: of the decision; None: a dry run, which is not kept.
        version: that was registered; None: none.
        has_moved: it is in production now.
        outcome: promoted, held or refused, in words; "" when it was to wait.
    """

    number: int | None
    decision: Choice
    reasons: tuple[str, ...]
    facts: Mapping[str, object]
    version: int | None = None
    has_moved: bool = False
    outcome: str = ""

    @property
    def words(self) -> str:
        """It in a sentence."""
        return self.outcome or f"{self.decision}: {'; '.join(self.reasons)}"

    def to_json(self) -> str:
        """Return everything for programs."""
        return json.dumps(asdict(self), indent=2)


def retrain(wish: Wish, parameters: RetrainParameters, *, settings: PipelineSettings, say: Say) -> Retrained:
    """Decide, keep the decision, and carry it out; one at a time for each model, on whatever machine.

    Raises:
        ConflictError: another retraining of this model is at work; the message says whose.
        ChurnError: a stage failed; the decision's outcome says so too.
    """
    engine = open_migrated(settings.database_url)
    if wish.is_dry_run:
        open_tracking(settings)
        found = consider(wish.data, wish.forced, parameters, settings=settings, engine=engine)
        return Retrained(None, found.decision.decision, found.decision.reasons, found.facts())
    with (
        kept_lease(engine, f"{STAGE}:{settings.model}", owner=_owner(settings)) as lease,
        noted(StageRunLog(engine), settings.model, STAGE) as account,
    ):
        open_tracking(settings)
        retrained = _Work(engine, lease, settings, say).do(wish, parameters)
        account.words = retrained.words
    return retrained


@dataclass(frozen=True, slots=True)
class _Work:
    """What happens under the lease."""

    engine: Engine
    lease: Lease
    settings: PipelineSettings
    say: Say

    def do(self, wish: Wish, parameters: RetrainParameters) -> Retrained:
        """Take up what a dead process left, or decide anew."""
        last = self.store.latest(self.settings.model, "train")
        if last and last.is_unfinished and (taken_up := self._after_death(last)):
            return taken_up
        considered = consider(wish.data, wish.forced, parameters, settings=self.settings, engine=self.engine)
        number = self.store.add(considered.noted(self.settings.model, self.settings.actor))
        decision = considered.decision
        log.info("retraining decided", extra={"decision": decision.decision, "reasons": decision.reasons})
        if decision.decision == "wait":
            return Retrained(number, "wait", decision.reasons, considered.facts())
        self.say(f"train: {'; '.join(decision.reasons)}")
        outcome = self._attempt(number).train(considered, wish.overrides, self.say)
        return _carried_out(number, decision.reasons, considered.facts(), outcome)

    @property
    def store(self) -> RetrainDecisionStore:
        return RetrainDecisionStore(self.engine)

    def _attempt(self, number: int) -> Attempt:
        return Attempt(number, self.store, self.lease, self.settings)

    def _after_death(self, last: RetrainDecision) -> Retrained | None:
        """Go on where its training has ended; else note that it failed, and None."""
        run_id = _run_of(last.data_fingerprint, self.settings)
        if run_id is None:
            self.store.finish(last.id, f"{FAILED}: its process ended before its training did")
            return None
        self.say(f"decision {last.id} is taken up where its process ended")
        outcome = self._attempt(last.id).take_up(run_id, last.reasons[0], self.say)
        return _carried_out(last.id, last.reasons, last.facts, outcome)


def _run_of(fingerprint: str, settings: PipelineSettings) -> str | None:
    """Return the newest training's run when it was made from this data."""
    try:
        newest = find_training(settings, None)
        is_it = fingerprint in {newest.data.tags["dataset_digest"], fingerprint_of(newest)}
    except (NotFoundError, UsageError):
        return None
    return newest.info.run_id if is_it else None


def _carried_out(number: int, reasons: tuple[str, ...], facts: Mapping[str, object], outcome: Outcome) -> Retrained:
    return Retrained(number, "train", reasons, facts, outcome.version, outcome.has_moved, outcome.words)


def _owner(settings: PipelineSettings) -> str:
    return f"{settings.actor} on {socket.gethostname()}, process {os.getpid()}"
