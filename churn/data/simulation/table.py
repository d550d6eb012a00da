"""A customer table as a source: its rows are drawn again and again, and leave as a logistic regression on it says."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from churn.contract.contract import Contract
from churn.contract.table import CheckedTable, check_table, check_target
from churn.data.files import read_table
from churn.data.simulation.chance import MONTH_DAYS, chances
from churn.data.simulation.logistic import Logistic, fit_logistic
from churn.data.simulation.people import Flags, Floats, Integers, Traits
from churn.errors import TableError

BLOCK_ROWS = 10_000
TABLE_DRAWS = 201
"""Where the draws of rows are in the space of seeds."""

FEWEST_ROWS = 100
WHOLE = frozenset({"integer", "boolean"})
A_MONTH = {"days": 30.0, "weeks": 30 / 7, "months": 1.0, "years": 1 / 12}


@dataclass(frozen=True, slots=True)
class TableSource:
    """Rows of a table, drawn with replacement. Only the column of the contract's survival grows older."""

    names: tuple[str, ...]
    customer_id: str
    price_column: str | None
    whole_columns: frozenset[str]
    pool: Traits
    rows: int
    leaving: Logistic
    horizon_days: int
    age: tuple[str, float] | None
    """The column that grows, and by how much in a month."""

    def draw(self, rows: int, *, first_row: int, seed: int) -> tuple[np.ndarray, Traits]:
        """Return some of the table's rows under new names; see Source."""
        first, last = first_row // BLOCK_ROWS, (first_row + rows - 1) // BLOCK_ROWS
        blocks = [
            np.random.default_rng([seed, TABLE_DRAWS, block]).integers(0, self.rows, BLOCK_ROWS)
            for block in range(first, last + 1)
        ]
        drawn = np.concatenate(blocks)[first_row - first * BLOCK_ROWS :][:rows]
        ids = np.array([f"S{seed}-{row:08d}" for row in range(first_row, first_row + rows)], dtype=object)
        return ids, self.pool.at(drawn)

    def newborn(self, traits: Traits, is_new: Flags) -> Traits:
        """Return traits as they are: who comes is like who is there."""
        del is_new
        return traits

    def aged(self, traits: Traits, months: Integers) -> Traits:
        """Return traits with a longer time as a customer, where the table has it."""
        if self.age is None:
            return traits
        column, step = self.age
        grown = np.floor(step * months) if column in self.whole_columns else step * months
        return Traits({**traits.numbers, column: traits.numbers[column] + grown}, traits.codes, traits.values)

    def log_odds(self, traits: Traits, factors: Mapping[str, float]) -> Floats:
        """Return the regression's log-odds, for a month instead of the contract's horizon."""
        found = self.leaving.log_odds(traits, factors)
        staying = np.clip(1 - chances(found), 1e-12, 1 - 1e-12) ** (MONTH_DAYS / self.horizon_days)
        return np.asarray(np.log1p(-staying) - np.log(staying))


def table_source(contract: Contract, path: Path) -> TableSource:
    """Make a source of a table with its target.

    Raises:
        TableError: the table can't be read, has no target, or has fewer than 100 rows that hold.
    """
    raw = read_table(path).columns
    checked = check_table(contract, raw)
    target, is_readable = check_target(contract, raw)
    kept = is_readable[checked.accepted - 1]
    if kept.sum() < FEWEST_ROWS:
        raise TableError(f"{path} has {int(kept.sum())} rows that hold; a simulation needs {FEWEST_ROWS} or more")
    pool = _traits_of(contract, checked).at(np.flatnonzero(kept))
    value = contract.economics.value_column if contract.economics else None
    return TableSource(
        names=tuple(contract.columns),
        customer_id=contract.customer_id or "customer_id",
        price_column=value,
        whole_columns=frozenset(name for name, column in contract.columns.items() if column.type in WHOLE),
        pool=pool,
        rows=int(kept.sum()),
        leaving=fit_logistic(pool, target[checked.accepted - 1][kept]),
        horizon_days=contract.target.horizon_days,
        age=_age_of(contract),
    )


def _traits_of(contract: Contract, checked: CheckedTable) -> Traits:
    numbers: dict[str, Floats] = {}
    codes: dict[str, Integers] = {}
    values: dict[str, tuple[str, ...]] = {}
    for name, column in contract.columns.items():
        if column.is_numeric:  # float32 was 85.05 once, and shall be written so
            numbers[name] = np.asarray([round(value, 4) for value in checked.columns[name].tolist()], np.float64)
        else:
            found, places = np.unique(checked.columns[name].astype(str), return_inverse=True)
            values[name] = tuple(text for text in found.tolist() if text)
            codes[name] = places - 1 if found[0] == "" else places  # "" sorts first, and UNKNOWN is -1
    return Traits(numbers, codes, values)


def _age_of(contract: Contract) -> tuple[str, float] | None:
    survival = contract.survival
    if survival is None or survival.duration not in contract.columns:
        return None
    return survival.duration, A_MONTH[survival.unit]
