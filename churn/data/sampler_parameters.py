"""The numbers behind the synthetic Telco sampler, read from `telco_sampler.json` into arrays."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Codes = dict[str, NDArray[np.int64]]
"""Column → each customer's place in the column's list of values."""


@dataclass(frozen=True, slots=True)
class Table:
    """The shares of one column's values, given its parents."""

    column: str
    parents: tuple[str, ...]
    shares: NDArray[np.float64]
    """Shape (cells of the parents, values); each row sums to 1."""

    only: tuple[str, NDArray[np.bool_], int] | None
    """Column, which of its codes allow this one, and the code of everybody else."""


@dataclass(frozen=True, slots=True)
class Term:
    """One addend of a sum over customers: a weight for each cell of some columns."""

    columns: tuple[str, ...]
    weights: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Additive:
    """A start and terms to add to it: USD for the price, log-odds for churn."""

    start: float
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Shift:
    """What a shift of 1 does to the population."""

    price_rise: float
    churn_logit: float
    moved: dict[str, tuple[int, float]]
    """Column → the code that gains, and the share of the others that moves to it."""


@dataclass(frozen=True, slots=True)
class SamplerParameters:
    """All that the sampler knows of the real customers."""

    values: dict[str, tuple[str, ...]]
    months: NDArray[np.int64]
    """First and last month of each tenure band, shape (bands, 2)."""

    last_months: NDArray[np.int64]
    """Last month of each stage, a coarser tenure band, shape (stages,)."""

    tables: tuple[Table, ...]
    price: Additive
    price_noise: NDArray[np.float64]
    """Spread around the price list in USD, by code of InternetService."""

    total_noise: float
    """Spread of TotalCharges - MonthlyCharges × tenure, in √(MonthlyCharges × (tenure - 1))."""

    churn: Additive
    shift: Shift

    def code(self, column: str, value: str) -> int:
        """Return the place of a value in its column."""
        return self.values[column].index(value)

    def cells(self, codes: Codes, columns: tuple[str, ...], rows: int) -> NDArray[np.int64]:
        """Return the number of the cell that each row is in, shape (rows,)."""
        cell = np.zeros(rows, dtype=np.int64)
        for column in columns:
            cell = cell * len(self.values[column]) + codes[column]
        return cell


@cache
def telco_parameters() -> SamplerParameters:
    """Return the committed parameters; read once per process."""
    return parameters_from(json.loads(Path(__file__).with_name("telco_sampler.json").read_text(encoding="utf-8")))


def parameters_from(known: dict[str, Any]) -> SamplerParameters:
    """Return what `benchmarks/learn_sampler.py` learned, as arrays."""
    values = {column: tuple(texts) for column, texts in known["values"].items()}
    internet = values["InternetService"]
    return SamplerParameters(
        values=values,
        months=np.array(known["tenure_bands"]),
        last_months=np.array(known["stages"])[:, 1],
        tables=tuple(_table(table, values) for table in known["tables"]),
        price=Additive(known["price"]["start"], _price_terms(known["price"]["items"], values)),
        price_noise=np.array([known["price"]["noise"][service] for service in internet]),
        total_noise=known["total_noise"],
        churn=Additive(known["churn"]["start"], tuple(_term(term) for term in known["churn"]["terms"])),
        shift=_shift(known["shift"], values),
    )


def _table(table: dict[str, Any], values: dict[str, tuple[str, ...]]) -> Table:
    shares = np.array(table["shares"], dtype=np.float64)
    return Table(
        column=table["column"],
        parents=tuple(table["parents"]),
        shares=shares / shares.sum(axis=1, keepdims=True),
        only=_only(table["only"], values, values[table["column"]]) if table["only"] else None,
    )


def _only(
    rule: dict[str, Any], values: dict[str, tuple[str, ...]], own: tuple[str, ...]
) -> tuple[str, NDArray[np.bool_], int]:
    allowed = np.isin(values[rule["column"]], rule["values"])
    return rule["column"], allowed, own.index(rule["otherwise"])


def _price_terms(items: dict[str, dict[str, float]], values: dict[str, tuple[str, ...]]) -> tuple[Term, ...]:
    return tuple(
        Term((column,), np.array([prices.get(value, 0.0) for value in values[column]]))
        for column, prices in items.items()
    )


def _term(term: dict[str, Any]) -> Term:
    return Term(tuple(term["columns"]), np.array(term["weights"]))


def _shift(shift: dict[str, Any], values: dict[str, tuple[str, ...]]) -> Shift:
    moved = {column: (values[column].index(to["value"]), to["share"]) for column, to in shift["moved"].items()}
    return Shift(shift["price_rise"], shift["churn_logit"], moved)
