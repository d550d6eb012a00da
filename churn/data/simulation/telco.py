"""Telco customers as a source: drawn like the sampler's, they grow older, and leave by the chances it has learned."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from churn.data.sampler import BLOCK_ROWS, TELCO_COLUMNS, Drawn, draw_block
from churn.data.sampler_parameters import Codes, SamplerParameters, telco_parameters
from churn.data.sampler_text import customer_ids
from churn.data.simulation.people import Flags, Floats, Integers, Traits

NUMBERS = ("tenure", "MonthlyCharges", "TotalCharges")
NAMES = tuple(name for name in TELCO_COLUMNS if name not in {"customerID", "Churn"})
CATEGORIES = tuple(name for name in NAMES if name not in NUMBERS)


@dataclass(frozen=True, slots=True)
class TelcoSource:
    """Synthetic Telco customers. A month of theirs is the time in which the table's quarter of them left."""

    names: tuple[str, ...] = NAMES
    customer_id: str = "customerID"
    price_column: str | None = "MonthlyCharges"
    whole_columns: frozenset[str] = frozenset({"tenure"})

    def draw(self, rows: int, *, first_row: int, seed: int) -> tuple[np.ndarray, Traits]:
        """Return the customers that `sample_telco` draws; see Source."""
        first, last = first_row // BLOCK_ROWS, (first_row + rows - 1) // BLOCK_ROWS
        blocks = [_block(block, seed) for block in range(first, last + 1)]
        here = np.arange(rows) + first_row - first * BLOCK_ROWS
        ids = np.array(customer_ids(first_row, rows, seed=seed), dtype=object)
        return ids, _joined(blocks).at(here)

    def newborn(self, traits: Traits, is_new: Flags) -> Traits:
        """Return traits in which new customers have not been charged yet."""
        return _with_age(traits, np.where(is_new, 0.0, traits.numbers["tenure"]))

    def aged(self, traits: Traits, months: Integers) -> Traits:
        """Return traits with a charge more for every month."""
        return _with_age(traits, traits.numbers["tenure"] + months)

    def log_odds(self, traits: Traits, factors: Mapping[str, float]) -> Floats:
        """Return the sampler's log-odds; a customer who has not yet been charged can't leave."""
        parameters, tenure = telco_parameters(), traits.numbers["tenure"].astype(np.int64)
        codes: Codes = {
            **traits.codes,
            "tenure_band": _place(tenure, parameters.months[:, 1]),
            "stage": _place(tenure, parameters.last_months),
        }
        found = np.full(len(tenure), parameters.churn.start)
        for term in parameters.churn.terms:
            found += _factor(term.columns, factors) * term.weights[parameters.cells(codes, term.columns, len(tenure))]
        return np.where(tenure > 0, found, -np.inf)


@lru_cache(maxsize=2)  # small months lie in the same block; nobody writes into it
def _block(block: int, seed: int) -> Traits:
    return _traits_of(draw_block(block=block, seed=seed))


def _traits_of(drawn: Drawn) -> Traits:
    total = np.where(drawn.months > 0, drawn.total, np.nan)
    numbers = {"tenure": drawn.months.astype(np.float64), "MonthlyCharges": drawn.monthly, "TotalCharges": total}
    return Traits(numbers, {name: drawn.codes[name] for name in CATEGORIES}, _values(telco_parameters()))


def _values(parameters: SamplerParameters) -> dict[str, tuple[str, ...]]:
    return {name: parameters.values[name] for name in CATEGORIES}


def _joined(blocks: list[Traits]) -> Traits:
    numbers = {name: np.concatenate([block.numbers[name] for block in blocks]) for name in NUMBERS}
    codes = {name: np.concatenate([block.codes[name] for block in blocks]) for name in CATEGORIES}
    return Traits(numbers, codes, blocks[0].values)


def _with_age(traits: Traits, tenure: Floats) -> Traits:
    """Charge for the months between two ages; in the first month nothing was charged yet."""
    monthly, before = traits.numbers["MonthlyCharges"], traits.numbers["TotalCharges"]
    charged = np.nan_to_num(before) + monthly * (tenure - traits.numbers["tenure"])
    total = np.where(tenure > 0, np.round(charged, 2), np.nan)
    return Traits({**traits.numbers, "tenure": tenure, "TotalCharges": total}, traits.codes, traits.values)


def _place(months: Integers, last: Integers) -> Integers:
    return np.minimum(np.searchsorted(last, months), len(last) - 1)


def _factor(columns: tuple[str, ...], factors: Mapping[str, float]) -> float:
    names = {"tenure" if name in {"tenure_band", "stage"} else name for name in columns}
    return float(np.prod([factors.get(name, 1.0) for name in names]))
