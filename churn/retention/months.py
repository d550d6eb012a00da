"""How many months a customer is expected to stay. numpy and pydantic only, since serving imports it.

Model: accelerated failure time. A customer's time to leaving has the scale λ = exp(intercept + Σ terms) in months and
one shape ρ for all; the cumulative hazard is (t/λ)^ρ (Weibull) or log(1 + (t/λ)^ρ) (log-logistic). Who has stayed for
t₀ months is expected to stay for E[min(T - t₀, H) | T > t₀] = ∫₀ᴴ S(t₀ + u) / S(t₀) du more, within the horizon H.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from numpy.polynomial.legendre import leggauss
from pydantic import BaseModel, ConfigDict, Field

from churn.contract.table import Columns

NODES = 32
MONTHS_PER = {"days": 12 / 365.25, "weeks": 7 * 12 / 365.25, "months": 1.0, "years": 12.0}


class Frozen(BaseModel):
    """Base of the model's parts: frozen, and JSON with an unknown key is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class NumberTerm(Frozen):
    """coefficient · (value - centre) / spread, within the bounds that were seen."""

    kind: Literal["number"] = "number"
    name: str
    median: float
    """Stands for a missing value."""

    low: float
    high: float
    centre: float
    spread: float = Field(gt=0)
    coefficient: float

    def of(self, values: np.ndarray) -> np.ndarray:
        """Return the term of each value, float64 of shape (rows,)."""
        return self.coefficient * self.scaled(values)

    def scaled(self, values: np.ndarray) -> np.ndarray:
        """Return each value in standard deviations from the centre."""
        wide = values.astype(np.float64)
        return (np.clip(np.where(np.isnan(wide), self.median, wide), self.low, self.high) - self.centre) / self.spread


class CategoryTerm(Frozen):
    """A coefficient per category; 0 for the most frequent one, and for those that were not seen or seldom."""

    kind: Literal["category"] = "category"
    name: str
    coefficients: dict[str, float]

    def of(self, values: np.ndarray) -> np.ndarray:
        """Return the term of each value, float64 of shape (rows,)."""
        get = self.coefficients.get
        return np.fromiter((get(value, 0.0) for value in values), np.float64, len(values))


Term = Annotated[NumberTerm | CategoryTerm, Field(discriminator="kind")]


class MonthsModel(Frozen):
    """A fitted model of the time to leaving. JSON both ways."""

    shape: Literal["weibull", "log_logistic"]
    duration: str
    """Column that says how long each customer has been one."""

    months_per_unit: float = Field(default=1.0, gt=0)
    median_months: float = Field(ge=0)
    """Stands for a missing duration."""

    shortest_months: float = Field(default=0.5, gt=0)
    """Shorter durations count as this: time zero has no logarithm."""

    intercept: float
    terms: tuple[Term, ...] = ()
    power: float = Field(gt=0)
    """ρ. Weibull: below 1 the risk of leaving falls with time."""

    def expected_months(self, columns: Columns, horizon_months: float) -> np.ndarray:
        """Return the months that each customer is expected to stay from now on, at most the horizon; shape (rows,)."""
        until = self.conditional_survival(columns, horizon_months * self._ages)
        return np.asarray(horizon_months * (until * self._weights).sum(axis=1))

    def expected_months_of_row(self, row: Mapping[str, float | str], horizon_months: float) -> float:
        """Return the months that one graph-ready row's customer is expected to stay."""
        return float(self.expected_months({name: _cell(row[name]) for name in self._names}, horizon_months)[0])

    def conditional_survival(self, columns: Columns, months: np.ndarray) -> np.ndarray:
        """Return S(t₀ + u) / S(t₀): the probability to stay `months` longer, shape (rows, months)."""
        so_far = self.months_so_far(columns)[:, None]
        return self._survival(np.log(so_far), np.log1p(months / so_far), self.log_scale(columns)[:, None])

    def survival(self, columns: Columns, months: np.ndarray) -> np.ndarray:
        """Return S(t): the probability that a new customer stays `months`, all above 0; shape (rows, months)."""
        position = self.power * (np.log(months) - self.log_scale(columns)[:, None])
        hazard = np.exp(np.minimum(position, 700)) if self.shape == "weibull" else np.logaddexp(0, position)
        return np.asarray(np.exp(-hazard))

    def months_so_far(self, columns: Columns) -> np.ndarray:
        """Return t₀ of each customer, shape (rows,)."""
        months = columns[self.duration].astype(np.float64) * self.months_per_unit
        return np.maximum(np.where(np.isfinite(months), months, self.median_months), self.shortest_months)

    def log_scale(self, columns: Columns) -> np.ndarray:
        """Return log λ of each customer, shape (rows,); the larger, the longer he stays."""
        scale = np.full(len(columns[self.duration]), self.intercept)
        for term in self.terms:
            scale += term.of(columns[term.name])
        return scale

    def _survival(self, log_so_far: np.ndarray, log_growth: np.ndarray, log_scale: np.ndarray) -> np.ndarray:
        """Differences of cumulative hazards, as one expression each: both may be huge and nearly equal."""
        position = np.clip(self.power * (log_so_far - log_scale), -700, 700)
        if self.shape == "weibull":
            with np.errstate(over="ignore"):
                return np.asarray(np.exp(-np.exp(position) * np.expm1(self.power * log_growth)))
        later = position + self.power * log_growth
        return np.asarray(np.exp(np.logaddexp(0, position) - np.logaddexp(0, later)))

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return (self.duration, *(term.name for term in self.terms))

    @cached_property
    def _ages(self) -> np.ndarray:
        """Nodes on 0 … 1, denser near 0, where a falling risk is steep: u = s², du = 2 s ds."""
        return ((leggauss(NODES)[0] + 1) / 2) ** 2

    @cached_property
    def _weights(self) -> np.ndarray:
        nodes, weights = leggauss(NODES)
        return np.asarray(weights / 2 * (nodes + 1))


def _cell(value: float | str) -> np.ndarray:
    return np.array([value], dtype=object if isinstance(value, str) else np.float32)
