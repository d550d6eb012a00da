"""One training: its table split into training and held-out customers, and what is to be done with them."""

import os
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from pydantic import BaseModel, Field, field_validator

from churn.contract.contract import Contract
from churn.contract.reading import dump_contract
from churn.errors import TableError
from churn.models.candidates import CANDIDATES
from pipelines.ingest import Customers, Ingested
from pipelines.settings import PipelineSettings


class TrainParameters(BaseModel, frozen=True, extra="forbid"):
    """pipelines/parameters/train.yaml."""

    trials: int = Field(ge=1)
    timeout_minutes: float = Field(ge=0)
    candidates: tuple[str, ...] = Field(min_length=1)
    workers: int = Field(ge=0)
    search_folds: int = Field(ge=2)
    folds: int = Field(ge=2)
    nested_folds: int = Field(ge=0)
    nested_repeats: int = Field(ge=1)
    holdout_share: float = Field(gt=0, lt=0.9)
    seed: int = Field(ge=0)

    @property
    def processes(self) -> int:
        """How many processes fit at the same time."""
        return self.workers or os.cpu_count() or 1

    @field_validator("candidates")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := set(names) - set(CANDIDATES):
            raise ValueError(f"no candidate {', '.join(sorted(unknown))}; there are {', '.join(CANDIDATES)}")
        return names


@dataclass(frozen=True, slots=True)
class Division:
    """Which row is for what, by the rows' ids: where neither a share nor one column of times can say it.

    Attributes:
        held_out: what evaluate and promote use; training sees every other row that is not left out.
        left_out: what nobody uses: the other rows of held-out customers, and those too new to be trained on.
        reference: what live customers are compared with from now on; none: the rows that training sees.
    """

    held_out: frozenset[str]
    left_out: frozenset[str] = frozenset()
    reference: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Training:
    """What one run trains on.

    Attributes:
        train: customers that the model sees.
        holdout: customers that it never sees; evaluate and promote use them.
        reference: customers that live ones are compared with.
    """

    contract: Contract
    parameters: TrainParameters
    settings: PipelineSettings
    ingested: Ingested
    train: Customers
    holdout: Customers
    reference: Customers

    @property
    def study(self) -> str:
        """A name that only the same data, contract, seed and folds give again: then a search resumes."""
        facts = (self.train.sha256, dump_contract(self.contract), self.parameters.seed, self.parameters.search_folds)
        return f"{self.settings.model}-{sha256(repr(facts).encode()).hexdigest()[:12]}"


def split(
    ingested: Ingested,
    contract: Contract,
    parameters: TrainParameters,
    *,
    settings: PipelineSettings,
    division: Division | None = None,
) -> Training:
    """Split an ingested table, as a division says or by the parameters' share, and return the training."""
    customers = ingested.customers
    if division is None:
        is_train, is_holdout = choose_holdout(customers, parameters.holdout_share)
    else:
        is_train, is_holdout = _divided(customers, division)
    train, holdout = customers.only(is_train), customers.only(is_holdout)
    is_reference = _among(customers, division.reference) if division else np.zeros(len(is_train), bool)
    reference = customers.only(is_reference) if is_reference.any() else train
    return Training(contract, parameters, settings, ingested, train=train, holdout=holdout, reference=reference)


def _divided(customers: Customers, division: Division) -> tuple[np.ndarray, np.ndarray]:
    is_holdout = _among(customers, division.held_out)
    is_train = ~is_holdout & ~_among(customers, division.left_out)
    _require_both_kinds(customers, is_train, is_holdout)
    return is_train, is_holdout


def _among(customers: Customers, ids: frozenset[str]) -> np.ndarray:
    return np.array([one in ids for one in customers.ids.tolist()], bool)


def choose_holdout(customers: Customers, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Choose the customers that training sees, and those that it never sees: two masks of shape (rows,).

    An id's (or group's) sha256 says on which side it is, so the same ones are held out again when the table grows, and
    a version in production is not judged on rows that it was trained on. With times the newest rows are held out; with
    groups as well, those of every other group, and training sees the older rows of the others.

    Raises:
        TableError: one side has only leavers, or only stayers.
    """
    names = customers.ids if customers.groups is None else customers.groups
    newest = _newest(customers.times, share)
    if newest is None:
        is_holdout = drawn(names, share)
        is_train = ~is_holdout
    elif customers.groups is None:
        is_train, is_holdout = ~newest, newest
    else:
        is_chosen = drawn(names, 0.5)
        is_train, is_holdout = ~newest & ~is_chosen, newest & is_chosen
    _require_both_kinds(customers, is_train, is_holdout)
    return is_train, is_holdout


def _require_both_kinds(customers: Customers, is_train: np.ndarray, is_holdout: np.ndarray) -> None:
    for side, mask in (("training", is_train), ("held-out", is_holdout)):
        if len(np.unique(customers.labels[mask])) < 2:
            raise TableError(
                f"the {int(mask.sum())} {side} customers are all of one kind: hold out another share, or look at the "
                "columns that `validation` names"
            )


def _newest(times: np.ndarray | None, share: float) -> np.ndarray | None:
    """Return the mask of the newest rows, about `share` of them; a moment is never divided. None: there is no order."""
    if times is None or len(moments := np.unique(times)) < 2:
        return None
    newer = np.array([(times >= moment).mean() for moment in moments[1:]])
    return np.asarray(times >= moments[1:][np.argmin(np.abs(newer - share))])


def drawn(names: np.ndarray, share: float) -> np.ndarray:
    """Draw a share of the names, each by its own sha256 alone: a mask of shape (rows,)."""
    return np.array([int(sha256(str(name).encode()).hexdigest()[:8], 16) < share * 2**32 for name in names])
