"""Customers on observation dates: the table that ordinary ingest takes, made from an event log."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from churn.contract.contract import Contract, Target
from churn.contract.proxy import Inactivity
from churn.errors import TableError
from churn.labels.events import Events, date_of
from churn.labels.features import FeatureTable
from churn.labels.future import audit_future
from churn.labels.outcome import is_mature, is_silent


@dataclass(frozen=True, slots=True)
class Cohort:
    """The customers of one observation date.

    Attributes:
        day: the observation date, in days since 1970-01-01.
        chosen: positions of the eligible customers, of shape (rows,).
        features: columns of shape (rows,).
        churned: 1 for who left, 0 for who stayed, of shape (rows,); None: the outcome is not known yet.
        not_eligible: reason → customers left out for it; who had no event yet is no customer yet, and not counted.
    """

    day: int
    chosen: np.ndarray
    features: FeatureTable
    churned: np.ndarray | None
    not_eligible: dict[str, int]


def observe(events: Events, day: int, proxy: Inactivity, *, seed: int = 0) -> Cohort:
    """Make the rows of one date; the features are audited for knowledge of the future.

    Raises:
        LeakageError: a feature knows it.
        TableError: no customer is eligible.
    """
    features = audit_future(events, day, proxy, seed=seed)
    is_eligible, reasons = eligible(features, proxy)
    chosen = np.flatnonzero(is_eligible)
    if not len(chosen):
        raise TableError(
            f"no customer is eligible on {date_of(day)}: {reasons or 'nobody had an event yet'}. Loosen "
            "target.proxy.active_within_days or tenure_at_least_days, or choose another date"
        )
    return Cohort(
        day=day,
        chosen=chosen,
        features={name: values[chosen] for name, values in features.items()},
        churned=_churned(events, day, proxy, chosen),
        not_eligible=reasons,
    )


def _churned(events: Events, day: int, proxy: Inactivity, chosen: np.ndarray) -> np.ndarray | None:
    if not is_mature(events, day, proxy):
        return None
    silent = is_silent(events, day, lead_days=proxy.lead_days, horizon_days=proxy.horizon_days)
    return np.asarray(silent[chosen], np.int8)


def eligible(features: FeatureTable, proxy: Inactivity) -> tuple[np.ndarray, dict[str, int]]:
    """Return who is eligible, bool of shape (customers of the log,), and how many are not, per reason."""
    is_customer, young = features["events_all"] > 0, proxy.tenure_at_least_days
    rules = {f"first event less than {young} days ago": features["tenure_days"] < young}
    if proxy.active_within_days:
        is_quiet = features["recency_days"] >= proxy.active_within_days
        rules[f"no event in the last {proxy.active_within_days} days"] = is_quiet
    is_out = np.any(list(rules.values()), axis=0)
    counts = Counter({why: int((is_customer & mask).sum()) for why, mask in rules.items()})
    return is_customer & ~is_out, dict(+counts)


def as_table(events: Events, cohorts: list[Cohort], contract: Contract) -> pd.DataFrame:
    """Return one row per customer and date: id, customer, date, features, label; an unknown outcome is missing."""
    return pd.concat([_rows(events, cohort, contract) for cohort in cohorts], ignore_index=True)


def _rows(events: Events, cohort: Cohort, contract: Contract) -> pd.DataFrame:
    """The contract may leave out whose row it is, and of when, where there is one date."""
    names, day = events.names[cohort.chosen], date_of(cohort.day).isoformat()
    roles = {
        contract.customer_id: names + f"@{day}",
        contract.validation.group: names,
        contract.validation.time: np.full(len(names), day, object),
    }
    return pd.DataFrame(
        {
            **{name: values for name, values in roles.items() if name},
            **cohort.features,
            contract.target.column: label_texts(cohort.churned, contract.target, len(names)),
        }
    )


def label_texts(churned: np.ndarray | None, target: Target, rows: int) -> np.ndarray:
    """Write 1 and 0 as the target's two values; what is not known stays empty."""
    if churned is None:
        return np.full(rows, None, object)
    return np.where(churned == 1, np.array(target.positive, object), target.negative or "0")
