"""What is served: production with, maybe, a canary beside it; one thing that a request takes once."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import orjson

from churn.contract.contract import Contract
from churn.contract.request import CustomerRequest
from churn.contract.table import CheckedTable, check_table
from churn.scoring.draw import is_drawn, key_of
from churn.scoring.scorer import Scorer
from services import telemetry

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Served:
    """One version at one door: a request takes it once, so that no answer mixes versions without saying so."""

    scorer: Scorer
    meters: telemetry.VersionMeters
    headers: dict[str, str]
    """Headers of every answer of this version."""

    json_headers: list[tuple[bytes, bytes]]
    """The same, and the content type, as ASGI wants them."""

    role: str = "production"
    """In what it records."""

    canary: "Canary | None" = None
    """The version that answers a share of the customers instead; a canary has none."""


@dataclass(frozen=True, slots=True)
class Canary:
    """A version that answers a share of production's customers, always the same ones.

    Attributes:
        share: 0 … 1.
        salt: another one draws other customers.
        reads_alike: its contract has the columns of production's.
    """

    served: Served
    share: float
    salt: str
    reads_alike: bool
    _told: set[str] = field(default_factory=set)

    @classmethod
    def beside(cls, contract: Contract, served: Served, *, share: float, salt: str) -> "Canary":
        """Put a version beside production, whose contract is given."""
        own = served.scorer.contract
        reads_alike = (own.columns, own.missing_marks) == (contract.columns, contract.missing_marks)
        return cls(served, share, salt, reads_alike)

    def has(self, customer: CustomerRequest) -> bool:
        """Say whether a customer, as production's contract reads it, is the canary's."""
        return is_drawn(key_of(customer.customer_id, customer.row.values()), self.share, self.salt)

    def rows_of(self, table: CheckedTable) -> np.ndarray:
        """Return which rows of a table are the canary's, bool of shape (rows,)."""
        ids = [None] * len(table.accepted) if table.customer_ids is None else table.customer_ids.tolist()
        rows = zip(*(values.tolist() for values in table.columns.values()), strict=True)
        keys = (key_of(one, row) for one, row in zip(ids, rows, strict=True))
        return np.fromiter((is_drawn(key, self.share, self.salt) for key in keys), bool, len(ids))

    def read(self, customer: CustomerRequest) -> CustomerRequest:
        """Read a customer of production's by the canary's own contract: a column that production lacks is missing.

        Raises:
            pydantic.ValidationError: the contract does not hold for it.
        """
        if self.reads_alike:
            return customer
        own = self.served.scorer
        sent = {**customer.row, **dict.fromkeys(customer.missing)}
        kept = {name: sent[name] for name in own.contract.columns if name in sent}
        return replace(own.form.read(orjson.dumps(kept)), customer_id=customer.customer_id)

    def read_table(self, table: CheckedTable) -> tuple[CheckedTable, np.ndarray]:
        """Read a table of production's likewise.

        Returns:
            The rows that the canary's contract holds for, and their places in the table, int64 of shape (rows,).
        """
        if self.reads_alike:
            return table, np.arange(len(table.accepted))
        contract = self.served.scorer.contract
        raw = {name: _sent(table.columns[name]) for name in contract.columns if name in table.columns}
        checked = check_table(contract, raw, first_row=0)
        kept = table.taken(checked.accepted)
        return replace(kept, columns=checked.columns), checked.accepted

    def fall_back(self, customers: int, reason: str) -> None:
        """Count customers that production answers instead; the log has each reason once."""
        self.served.meters.fall_back(customers)
        if reason not in self._told:
            self._told.add(reason)
            version = self.served.scorer.version
            log.warning("canary failed: production answered", extra={"canary_version": version, "reason": reason})


def _sent(values: np.ndarray) -> Sequence[object]:
    """Return a graph-ready column as it may have been sent: None for what is missing."""
    if values.dtype == object:
        return [text or None for text in values.tolist()]
    return [None if value != value else value for value in values.tolist()]  # noqa: PLR0124  NaN
