"""Comparing: two windows become labels, Evidently measures the distances, and shares are counted beside it."""

from collections.abc import Iterator

import numpy as np

from churn.bundle.files import OUTPUT
from churn.contract.contract import Contract
from monitoring.drift_parameters import DriftParameters
from monitoring.evidently_report import Comparison, compare
from monitoring.labels import MISSING, UNKNOWN, category_labels, commonest, number_edges, number_labels
from monitoring.measures import JENSEN_SHANNON, MISSING_CHANGE, PSI, UNKNOWN_CHANGE, Measure
from monitoring.windows import Window

Labels = dict[str, np.ndarray]
"""Column → labels, str objects of shape (rows,)."""


def measure_drift(
    contract: Contract, live: Window, reference: Window, parameters: DriftParameters
) -> tuple[tuple[Measure, ...], Comparison]:
    """Measure every column of the contract, and the prediction under the name of the graph's output."""
    import pandas as pd  # noqa: PLC0415  slow, and the exporter shares this room

    of_live, of_reference = label_windows(contract, live, reference, parameters)
    thresholds = _thresholds(of_live, of_reference, parameters)
    frames = pd.DataFrame(of_live), pd.DataFrame(of_reference)
    compared = compare(*frames, thresholds, headline=OUTPUT, share=parameters.drifted_share_threshold)
    distances = [Measure(*key, value, thresholds[key]) for key, value in compared.values.items()]
    return (*distances, *_share_changes(contract, of_live, of_reference, parameters)), compared


def label_windows(
    contract: Contract, live: Window, reference: Window, parameters: DriftParameters
) -> tuple[Labels, Labels]:
    """Label both windows by the reference's bins and categories; the prediction comes first."""
    edges = number_edges(reference.probabilities, parameters.number_bins)
    of_live = {OUTPUT: number_labels(live.probabilities, edges)}
    of_reference = {OUTPUT: number_labels(reference.probabilities, edges)}
    for name in contract.columns:
        pair = (live.columns[name], reference.columns[name])
        of_live[name], of_reference[name] = _label_column(contract, name, pair, parameters)
    return of_live, of_reference


def _label_column(
    contract: Contract, name: str, pair: tuple[np.ndarray, np.ndarray], parameters: DriftParameters
) -> tuple[np.ndarray, np.ndarray]:
    live, reference = pair
    column = contract.columns[name]
    if column.is_numeric:
        edges = number_edges(reference, parameters.number_bins)
        return number_labels(live, edges), number_labels(reference, edges)
    seen = commonest(reference)
    known = column.categories or seen
    shown = [text for text in dict.fromkeys((*seen, *known)) if text in known][: parameters.max_categories]
    return category_labels(live, known=known, shown=shown), category_labels(reference, known=known, shown=shown)


def _thresholds(live: Labels, reference: Labels, parameters: DriftParameters) -> dict[tuple[str, str], float]:
    chance = parameters.false_alarm_probability / len(reference)
    of_psi = {
        (name, PSI): max(parameters.psi_threshold, _psi_of_chance(live[name], reference[name], chance))
        for name in reference
    }
    return of_psi | {(name, JENSEN_SHANNON): parameters.jensenshannon_threshold for name in reference}


def _psi_of_chance(live: np.ndarray, reference: np.ndarray, probability: float) -> float:
    """Return what PSI exceeds with this probability when nothing has changed.

    Without a change, PSI / (1/live + 1/reference) is about chi-squared with one degree of freedom less than there are
    labels: B. Yurdakul and J. Naranjo, Statistical properties of the population stability index, 2020.
    """
    from scipy.stats import chi2  # noqa: PLC0415  slow, and the exporter shares this room

    labels = len({*live.tolist(), *reference.tolist()})
    if labels < 2:
        return 0.0
    return float(chi2.isf(probability, labels - 1)) * (1 / len(live) + 1 / len(reference))


def _share_changes(
    contract: Contract, live: Labels, reference: Labels, parameters: DriftParameters
) -> Iterator[Measure]:
    chance = parameters.false_alarm_probability / len(reference)
    for name, column in contract.columns.items():
        change, of_chance = _change(live[name], reference[name], MISSING, chance)
        yield Measure(name, MISSING_CHANGE, change, max(parameters.missing_share_threshold, of_chance))
        if not column.is_numeric:
            change, of_chance = _change(live[name], reference[name], UNKNOWN, chance)
            yield Measure(name, UNKNOWN_CHANGE, change, max(parameters.unknown_share_threshold, of_chance))


def _change(live: np.ndarray, reference: np.ndarray, label: str, probability: float) -> tuple[float, float]:
    """Return the change of a label's share, and the size that it exceeds with this probability by chance alone."""
    from scipy.stats import norm  # noqa: PLC0415  slow, and the exporter shares this room

    now, before = live == label, reference == label
    pooled = (now.sum() + before.sum()) / (len(now) + len(before))
    error = np.sqrt(pooled * (1 - pooled) * (1 / len(now) + 1 / len(before)))
    return float(now.mean() - before.mean()), float(norm.isf(probability / 2) * error)
