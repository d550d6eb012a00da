"""Gate verdicts: what the gate said of each version, when, on how many rows, and where the report is."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, get_args

import orjson
from sqlalchemy import Engine, Row, Select, func, insert, select

from churn.stores.tables import gate_verdicts
from churn.stores.transactions import database_now_text, reading, writing

Decision = Literal["promote", "hold", "reject"]
DECISIONS: tuple[Decision, ...] = get_args(Decision)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVerdict:
    """A verdict that was just reached. Money is per customer, in the currency of the version's contract.

    Attributes:
        production_version: what it was held against; None: nothing was in production.
        reasons: all of them, in sentences.
        rows: labelled rows that were judged on.
        profit_difference: the version's campaign less production's; None: not measured.
        labels_needed: how many more labelled rows would tell; None: not a matter of rows.
        actor: who asked.
        report: where the verdict's files are, as an address of MLflow; "" when there are none.
    """

    model_name: str
    version: int
    production_version: int | None
    decision: Decision
    reasons: Sequence[str]
    rows: int
    profit_difference: float | None
    profit_low: float | None
    profit_high: float | None
    labels_needed: int | None
    actor: str
    report: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GateVerdict(NewVerdict):
    """One row. The moment is text, as `churn.scoring.prediction.utc_text` writes it."""

    id: int
    at: str


class GateVerdictStore:
    """The table of verdicts. Every method raises StoreError when the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, verdict: NewVerdict) -> int:
        """Store a verdict, and return its number."""
        with writing(self._engine) as connection:
            row = {**asdict(verdict), "reasons": orjson.dumps(list(verdict.reasons)).decode()}
            key = connection.execute(
                insert(gate_verdicts), {**row, "at": database_now_text(connection)}
            ).inserted_primary_key
        return int(key[0]) if key else 0

    def history(self, model_name: str, *, version: int | None = None, limit: int = 50) -> list[GateVerdict]:
        """Return the newest verdicts of a model, or of one version, newest first."""
        query = _newest(model_name, limit)
        if version is not None:
            query = query.where(gate_verdicts.c.version == version)
        with reading(self._engine) as connection:
            return [_from_row(row) for row in connection.execute(query)]

    def latest(self, model_name: str, *, version: int | None = None) -> GateVerdict | None:
        """Return the newest verdict of a model, or of one version; None when there is none."""
        found = self.history(model_name, version=version, limit=1)
        return found[0] if found else None

    def counts(self, model_name: str) -> Mapping[str, int]:
        """Return how many verdicts there are of each decision."""
        query = (
            select(gate_verdicts.c.decision, func.count())
            .where(gate_verdicts.c.model_name == model_name)
            .group_by(gate_verdicts.c.decision)
        )
        with reading(self._engine) as connection:
            found = {str(decision): int(count) for decision, count in connection.execute(query)}
        return dict.fromkeys(DECISIONS, 0) | found


def _newest(model_name: str, limit: int) -> Select[tuple[object, ...]]:
    of_model = select(gate_verdicts).where(gate_verdicts.c.model_name == model_name)
    return of_model.order_by(gate_verdicts.c.id.desc()).limit(limit)


def _from_row(row: Row[tuple[object, ...]]) -> GateVerdict:
    fields = row._asdict()
    return GateVerdict(**{**fields, "reasons": tuple(orjson.loads(fields["reasons"]))})
