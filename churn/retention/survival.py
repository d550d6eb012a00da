"""Fits how long customers stay: lifelines, offline. What serves is the model's JSON, in `churn.retention.months`.

A customer table is a snapshot: who left long ago is not in it. Taken as it is, each customer counts as watched since
his first day, so that early leaving is underestimated and stays look longer than they are (left truncation, Klein and
Moeschberger, "Survival analysis", 2003, chapter 3). Where it is known for how long before the snapshot leavers were
kept in the table, `watched_months` says so, and each customer counts from then on.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from lifelines import LogLogisticAFTFitter, WeibullAFTFitter
from lifelines.statistics import multivariate_logrank_test

from churn.contract.contract import Contract
from churn.contract.derived import sources_of
from churn.contract.survival import Survival
from churn.contract.table import Columns
from churn.errors import ContractError, TableError
from churn.retention.months import MONTHS_PER, CategoryTerm, MonthsModel, NumberTerm, Term

MOST_TERMS = 6
FITTED_ROWS = 20_000
PENALTY = 1e-3
SMALLEST_SHARE = 0.01
SHORTEST_SHARE = 0.001
FITTERS = {"weibull": WeibullAFTFitter, "log_logistic": LogLogisticAFTFitter}
PARAMETERS = {"weibull": ("lambda_", "rho_"), "log_logistic": ("alpha_", "beta_")}


@dataclass(frozen=True, slots=True)
class Stays:
    """How long each customer has stayed, and whether he left then.

    Attributes:
        months: until the snapshot, or until he left; above 0, shape (rows,).
        left: 1 for customers who left, shape (rows,).
        entry: months after which each counts as watched, 0 for from the first day; shape (rows,).
    """

    months: np.ndarray
    left: np.ndarray
    entry: np.ndarray

    def only(self, chosen: np.ndarray) -> "Stays":
        """Return some of the rows, by a mask or by their numbers."""
        return Stays(self.months[chosen], self.left[chosen], self.entry[chosen])


def stays_of(contract: Contract, columns: Columns, labels: np.ndarray, *, watched_months: float | None = None) -> Stays:
    """Read the stays of a table; a missing duration counts as the median.

    Args:
        contract: must have `survival`.
        columns: graph-ready columns, each of shape (rows,).
        labels: 1 for customers who left, else 0; shape (rows,).
        watched_months: leavers of the last so many months are in the table, and none from before; None: all are.

    Raises:
        ContractError: the contract has no `survival`.
        TableError: nobody left, or no duration is known.
    """
    unit = _survival(contract)
    months = columns[unit.duration].astype(np.float64) * MONTHS_PER[unit.unit]
    if not np.isfinite(months).any() or not (labels == 1).any():
        raise TableError(
            f"column {unit.duration!r} has no known duration, or nobody left: time to leaving can't be learned"
        )
    months = np.maximum(np.where(np.isfinite(months), months, np.nanmedian(months)), shortest_months(contract))
    entry = np.zeros_like(months) if watched_months is None else np.maximum(months - watched_months, 0)
    return Stays(months, (labels == 1).astype(np.int8), entry)


def shortest_months(contract: Contract) -> float:
    """Half a unit where durations are whole numbers, so that 0 months are half a month; else next to nothing."""
    unit = _survival(contract)
    is_whole = contract.columns[unit.duration].type == "integer"
    return MONTHS_PER[unit.unit] * (0.5 if is_whole else SHORTEST_SHARE)


def _survival(contract: Contract) -> Survival:
    if contract.survival is None:
        raise ContractError(
            f"contract {contract.name!r} has no `survival`: name the column that tells how long one stays"
        )
    return contract.survival


def fit_months(contract: Contract, columns: Columns, stays: Stays, *, shape: str = "weibull") -> MonthsModel:
    """Fit an accelerated failure time model on the columns that tell most about staying.

    Args:
        contract: what the columns mean; protected columns, and those computed from or with the duration, are not used.
        columns: graph-ready columns, each of shape (rows,); 20,000 rows of a larger table are fitted.
        stays: from `stays_of`.
        shape: "weibull" or "log_logistic".
    """
    some = np.unique(np.linspace(0, len(stays.months) - 1, FITTED_ROWS).astype(int))
    columns, stays = {name: values[some] for name, values in columns.items()}, stays.only(some)
    terms = tuple(_empty_term(name, columns[name]) for name in telling_columns(contract, columns, stays))
    design = _design(terms, columns)
    fitter = FITTERS[shape](penalizer=PENALTY)
    timed = design.assign(months_=stays.months, left_=stays.left, entry_=stays.entry)
    fitter.fit(timed, duration_col="months_", event_col="left_", entry_col="entry_")
    scale, power = PARAMETERS[shape]
    found = fitter.params_[scale]
    return MonthsModel.model_validate(
        {
            "shape": shape,
            "duration": _survival(contract).duration,
            "months_per_unit": MONTHS_PER[_survival(contract).unit],
            "median_months": float(np.median(stays.months)),
            "shortest_months": shortest_months(contract),
            "intercept": float(found["Intercept"]),
            "terms": tuple(_filled(place, term, found) for place, term in enumerate(terms)),
            "power": float(np.exp(fitter.params_[power]["Intercept"])),
        }
    )


def telling_columns(contract: Contract, columns: Columns, stays: Stays) -> tuple[str, ...]:
    """Return the columns whose groups stay most differently (log-rank test), at most six."""
    allowed = [name for name in contract.columns if _is_allowed(contract, name)]
    statistic = {name: _log_rank(columns[name], stays) for name in allowed}
    ranked = sorted((name for name in allowed if statistic[name] > 0), key=lambda name: -statistic[name])
    return tuple(ranked[:MOST_TERMS])


def _is_allowed(contract: Contract, name: str) -> bool:
    duration = _survival(contract).duration
    products = {rule.total for rule in contract.relations.values() if duration in rule.factors}
    products |= {derived for derived, how in contract.derived.items() if duration in sources_of(how)}
    return name not in {duration, *products} and not contract.columns[name].protected


def _log_rank(values: np.ndarray, stays: Stays) -> float:
    """Statistic per degree of freedom; 0 for a column of one group."""
    groups = _groups(values)
    count = len(np.unique(groups))
    if count < 2:
        return 0.0
    return float(multivariate_logrank_test(stays.months, groups, stays.left).test_statistic) / (count - 1)


def _groups(values: np.ndarray) -> np.ndarray:
    """Thirds of a number, the frequent values of a category; the others are one group."""
    if values.dtype == object:
        frequent = _frequent(values)
        return np.array([frequent.index(value) if value in frequent else len(frequent) for value in values])
    known = values[np.isfinite(values)]
    edges = np.unique(np.quantile(known, [1 / 3, 2 / 3])) if len(known) else np.empty(0)
    return np.where(np.isfinite(values), np.searchsorted(edges, values), len(edges))


def _frequent(values: np.ndarray) -> list[str]:
    """Categories of at least one customer in a hundred, most frequent first."""
    found, counts = np.unique(values.astype(str), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return [str(found[place]) for place in order if counts[place] >= SMALLEST_SHARE * len(values)]


def _empty_term(name: str, values: np.ndarray) -> Term:
    if values.dtype == object:
        return CategoryTerm(name=name, coefficients=dict.fromkeys(_frequent(values)[1:], 0.0))
    known = values[np.isfinite(values)].astype(np.float64)
    low, high = np.quantile(known, [0.005, 0.995])
    clipped = np.clip(known, low, high)
    return NumberTerm(
        name=name,
        median=float(np.median(known)),
        low=float(low),
        high=float(high),
        centre=float(clipped.mean()),
        spread=float(clipped.std()) or 1.0,
        coefficient=0.0,
    )


def _design(terms: tuple[Term, ...], columns: Columns) -> pd.DataFrame:
    """One column per coefficient; "x1_2" is the third category of the second term."""
    design = {}
    for place, term in enumerate(terms):
        if isinstance(term, NumberTerm):
            design[f"x{place}"] = term.scaled(columns[term.name])
        else:
            texts = columns[term.name].astype(str)
            design |= {f"x{place}_{code}": (texts == text) * 1.0 for code, text in enumerate(term.coefficients)}
    return pd.DataFrame(design, index=range(len(next(iter(columns.values())))))


def _filled(place: int, term: Term, found: "pd.Series[float]") -> Term:
    if isinstance(term, NumberTerm):
        return term.model_copy(update={"coefficient": float(found[f"x{place}"])})
    fitted = {text: float(found[f"x{place}_{code}"]) for code, text in enumerate(term.coefficients)}
    return term.model_copy(update={"coefficients": fitted})
