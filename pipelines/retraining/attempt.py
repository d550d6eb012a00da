"""An attempt: trains, evaluates, registers and promotes, and notes what came of it however it ends."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from churn.errors import ChurnError
from churn.evaluation.gate import Gate
from churn.stores.leases import Lease
from churn.stores.registry import ModelRegistry
from churn.stores.retrain_decisions import RetrainDecisionStore
from pipelines.evaluate import evaluate
from pipelines.moves import Order
from pipelines.newest import parameters_of
from pipelines.parameters import read_parameters
from pipelines.promote import Promoted, promote
from pipelines.register import register
from pipelines.retraining.considering import Considered
from pipelines.retraining.evidence import FAILED
from pipelines.retraining.material import Material
from pipelines.retraining.table import RetrainTable
from pipelines.ring import make_version
from pipelines.settings import PipelineSettings
from pipelines.tracking import Say

log = logging.getLogger(__name__)

PROMOTED = "promoted"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended.

    Attributes:
        words: the first of them is promoted, held or refused.
    """

    version: int
    words: str

    @property
    def has_moved(self) -> bool:
        """True when the version is in production."""
        return self.words.startswith(PROMOTED)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One decision to train that is being carried out.

    Attributes:
        number: of the decision.
        lease: held by nobody else meanwhile.
    """

    number: int
    store: RetrainDecisionStore
    lease: Lease
    settings: PipelineSettings

    def train(self, considered: Considered, overrides: Mapping[str, object], say: Say) -> Outcome:
        """Train as the newest training was told to, unless told otherwise, and promote if the gate agrees.

        Raises:
            ChurnError: a stage failed; that is noted.
        """
        assert considered.material is not None  # noqa: S101  it was decided on
        assert considered.newest is not None  # noqa: S101
        material, why = considered.material, considered.decision.reasons[0]
        wanted = {**parameters_of(considered.newest), **overrides}
        with self._ending(), _file(material, self.settings) as data:
            division = material.comparison.division if material.comparison else None
            made = make_version(
                material.contract, data, overrides=wanted, settings=self.settings, say=say, division=division
            )
            return self._judged(made.registered.version, why, say)

    def take_up(self, run_id: str, why: str, say: Say) -> Outcome:
        """Go on after the training of an attempt whose process ended.

        Raises:
            ChurnError: a stage failed; that is noted.
        """
        with self._ending():
            production = ModelRegistry(self.settings.tracking_uri).production(self.settings.model)
            if production and production.run_id == run_id:
                return self._noted(_promoted(production.version))
            say("evaluate, register")
            evaluate(run_id, settings=self.settings)
            return self._judged(register(run_id, settings=self.settings).version, why, say)

    def _judged(self, version: int, why: str, say: Say) -> Outcome:
        say(f"promote: version {version}")
        self.lease.check()
        order = Order(self.settings.actor, f"retrain decision {self.number}: {why}")
        return self._noted(_outcome(promote(version, order, read_parameters("gate", Gate), settings=self.settings)))

    def _noted(self, outcome: Outcome) -> Outcome:
        self.store.finish(self.number, outcome.words, version=outcome.version)
        log.info("retrained", extra={"decision": self.number, "version": outcome.version, "moved": outcome.has_moved})
        return outcome

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """Note a failure. Of an error that is not ours only its kind is kept: it may quote a customer."""
        try:
            yield
        except BaseException as error:
            self.store.finish(
                self.number, f"{FAILED}: {error if isinstance(error, ChurnError) else type(error).__name__}"
            )
            raise


def _outcome(moved: Promoted) -> Outcome:
    if moved.has_moved:
        return _promoted(moved.version)
    return Outcome(moved.version, f"{moved.outcome}: version {moved.version}: {'; '.join(moved.verdict.reasons)}")


def _promoted(version: int) -> Outcome:
    return Outcome(version, f"{PROMOTED}: version {version} is in production")


@contextmanager
def _file(material: Material, settings: PipelineSettings) -> Iterator[str]:
    """Give the table as a file; one that was put together goes when it was ingested, which keeps its own copy."""
    if not isinstance(material.table, RetrainTable):
        yield str(material.table)
        return
    path = material.table.write(settings.data_folder / material.contract.name / "retrain")
    try:
        yield str(path)
    finally:
        path.unlink(missing_ok=True)
