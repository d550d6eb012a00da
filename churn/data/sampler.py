"""A synthetic sampler of Telco customers: any number, seeded, as raw text like the real CSV."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churn.data.sampler_parameters import Additive, Codes, SamplerParameters, Table, telco_parameters
from churn.data.sampler_text import customer_ids, money_texts, texts_of
from churn.errors import UsageError

BLOCK_ROWS = 10_000
"""Every block has its own generator, so a larger sample begins with the smaller one of the same seed."""

LOWEST_CHARGE = 18.0
"""USD/month; no real customer pays less, and noise must not make one pay nothing."""

TELCO_COLUMNS = (
    "customerID",
    "gender",
    "SeniorCitizen",
    "Partner",
    "Dependents",
    "tenure",
    "PhoneService",
    "MultipleLines",
    "InternetService",
    "OnlineSecurity",
    "OnlineBackup",
    "DeviceProtection",
    "TechSupport",
    "StreamingTV",
    "StreamingMovies",
    "Contract",
    "PaperlessBilling",
    "PaymentMethod",
    "MonthlyCharges",
    "TotalCharges",
    "Churn",
)

Customers = dict[str, list[str]]
"""Column → one text per customer."""


@dataclass(frozen=True, slots=True)
class Population:
    """The tables to draw from, already moved by the shift."""

    parameters: SamplerParameters
    tables: tuple[Table, ...]
    price_factor: float
    churn_logit: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """A whole block of customers as numbers; each array has the shape (BLOCK_ROWS,)."""

    codes: Codes
    months: NDArray[np.int64]
    monthly: NDArray[np.float64]
    """USD."""

    total: NDArray[np.float64]
    left: NDArray[np.bool_]


def sample_telco(rows: int, *, seed: int, shift: float = 0.0, parameters: SamplerParameters | None = None) -> Customers:
    """Return `rows` synthetic customers as the texts of the CSV's columns.

    Args:
        rows: How many customers, at least 1.
        seed: At least 0; the same seed gives the same customers.
        shift: 0 is the real population; 1 pays 25 % more and has far more fiber, monthly contracts and electronic
            checks, and leaves more often.
        parameters: Other numbers than the committed ones, to measure how well they were learned.

    Raises:
        UsageError: An argument is out of its range.
    """
    customers: Customers = {column: [] for column in TELCO_COLUMNS}
    for block in sample_blocks(rows, seed=seed, shift=shift, parameters=parameters):
        for column, texts in block.items():
            customers[column] += texts
    return customers


def sample_blocks(
    rows: int, *, seed: int, shift: float = 0.0, parameters: SamplerParameters | None = None
) -> Iterator[Customers]:
    """Return the customers of `sample_telco` in blocks of at most `BLOCK_ROWS`, made one by one."""
    _refuse_nonsense(rows, seed=seed, shift=shift)
    population = _shifted(parameters or telco_parameters(), shift)
    return (
        _block(population, first_row=first_row, rows=min(BLOCK_ROWS, rows - first_row), seed=seed)
        for first_row in range(0, rows, BLOCK_ROWS)
    )


def _refuse_nonsense(rows: int, *, seed: int, shift: float) -> None:
    if rows < 1:
        raise UsageError(f"a sample needs at least 1 row, not {rows}")
    if seed < 0:
        raise UsageError(f"the seed is a whole number from 0, not {seed}")
    if not 0 <= shift <= 1:
        raise UsageError(f"the shift is a number from 0 (the real population) to 1, not {shift}")


def _shifted(parameters: SamplerParameters, shift: float) -> Population:
    return Population(
        parameters=parameters,
        tables=tuple(_moved(table, parameters, shift) for table in parameters.tables),
        price_factor=1 + shift * parameters.shift.price_rise,
        churn_logit=shift * parameters.shift.churn_logit,
    )


def _moved(table: Table, parameters: SamplerParameters, shift: float) -> Table:
    if table.column not in parameters.shift.moved:
        return table
    code, share = parameters.shift.moved[table.column]
    gaining = np.eye(table.shares.shape[1])[code]
    shares = (1 - shift * share) * table.shares + shift * share * gaining
    return Table(table.column, table.parents, shares, table.only)


def _block(population: Population, *, first_row: int, rows: int, seed: int) -> Customers:
    drawn = _draw(population, block=first_row // BLOCK_ROWS, seed=seed)
    codes, months = drawn.codes, drawn.months
    customers = {
        **{column: texts_of(known, codes[column][:rows]) for column, known in _written(population.parameters)},
        "customerID": customer_ids(first_row, rows, seed=seed),
        "tenure": list(map(str, months[:rows].tolist())),
        "MonthlyCharges": money_texts(drawn.monthly[:rows]),
        "TotalCharges": money_texts(drawn.total[:rows], blank=months[:rows] == 0),
        "Churn": texts_of(("No", "Yes"), drawn.left[:rows].astype(np.int64)),
    }
    return {column: customers[column] for column in TELCO_COLUMNS}


def draw_block(*, block: int, seed: int) -> Drawn:
    """Return the customers that `sample_telco` writes as rows `block` × BLOCK_ROWS and on, before they are texts."""
    return _draw(_shifted(telco_parameters(), 0.0), block=block, seed=seed)


def _draw(population: Population, *, block: int, seed: int) -> Drawn:
    random = np.random.default_rng([seed, block])
    codes, months = _drawn_customers(population, random)
    monthly = _monthly_charges(population, codes, random)
    total = _total_charges(population.parameters, monthly, months, random)
    return Drawn(codes, months, monthly, total, _left(population, codes, months, random))


def _written(parameters: SamplerParameters) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The coded columns that the file has; tenure bands and stages are only drawn with."""
    return ((column, known) for column, known in parameters.values.items() if column in TELCO_COLUMNS)


def _drawn_customers(population: Population, random: np.random.Generator) -> tuple[Codes, NDArray[np.int64]]:
    """Draw a whole block column by column, parents first; return the codes and the months of tenure."""
    parameters = population.parameters
    codes: Codes = {}
    months = np.zeros(BLOCK_ROWS, dtype=np.int64)
    for table in population.tables:
        codes[table.column] = _drawn(table, parameters.cells(codes, table.parents, BLOCK_ROWS), codes, random)
        if table.column == "tenure_band":
            first, last = parameters.months[codes["tenure_band"]].T
            months = random.integers(first, last, endpoint=True)
            codes["stage"] = np.searchsorted(parameters.last_months, months)
    return codes, months


def _drawn(table: Table, cells: NDArray[np.int64], codes: Codes, random: np.random.Generator) -> NDArray[np.int64]:
    edges = table.shares.cumsum(axis=1)[:, :-1]
    drawn = np.zeros(len(cells), dtype=np.int64)
    point = random.random(len(cells))
    for column in edges.T:
        drawn += point >= column[cells]
    if table.only is None:
        return drawn
    column, allowed, otherwise = table.only
    return np.where(allowed[codes[column]], drawn, otherwise)


def _summed(additive: Additive, parameters: SamplerParameters, codes: Codes) -> NDArray[np.float64]:
    addends = (term.weights[parameters.cells(codes, term.columns, BLOCK_ROWS)] for term in additive.terms)
    return additive.start + sum(addends, np.zeros(BLOCK_ROWS))


def _monthly_charges(population: Population, codes: Codes, random: np.random.Generator) -> NDArray[np.float64]:
    parameters = population.parameters
    noise = parameters.price_noise[codes["InternetService"]] * random.standard_normal(BLOCK_ROWS)
    charges = np.maximum(_summed(parameters.price, parameters, codes) + noise, LOWEST_CHARGE)
    return _to_five_cents(charges * population.price_factor)


def _total_charges(
    parameters: SamplerParameters,
    monthly: NDArray[np.float64],
    months: NDArray[np.int64],
    random: np.random.Generator,
) -> NDArray[np.float64]:
    """The first month is charged as it stands; each later month wanders a little around today's price."""
    spread = parameters.total_noise * np.sqrt(monthly * np.maximum(months - 1, 0))
    total = monthly * months + spread * random.standard_normal(BLOCK_ROWS)
    return _to_five_cents(np.where(months > 1, np.maximum(total, monthly), total))


def _to_five_cents(dollars: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.round(dollars * 20) / 20


def _left(
    population: Population, codes: Codes, months: NDArray[np.int64], random: np.random.Generator
) -> NDArray[np.bool_]:
    """A customer who has not yet been charged can't have left."""
    logit = _summed(population.parameters.churn, population.parameters, codes) + population.churn_logit
    return (random.random(BLOCK_ROWS) < 1 / (1 + np.exp(-logit))) & (months > 0)
