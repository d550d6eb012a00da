"""Comparing: two windows become labels, distances are measured between them, and chance says what counts as drift."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from churn.bundle.files import OUTPUT
from churn.contract.column import Column
from churn.contract.contract import Contract
from monitoring.chance import Question, answer
from monitoring.distances import jensen_shannon, new_share, psi, share_change
from monitoring.drift_parameters import DriftParameters
from monitoring.labels import MISSING, category_labels, frequent, number_edges, number_labels
from monitoring.measures import JENSEN_SHANNON, MISSING_CHANGE, NEW_SHARE, PSI, UNKNOWN_CHANGE, Measure
from monitoring.novelties import Novelty, find_novelty, novelty_codes
from monitoring.windows import Window

Labels = dict[str, np.ndarray]
"""Column → labels, str objects of shape (rows,)."""

Pair = tuple[np.ndarray, np.ndarray]
"""A column in the live window and in the reference, each of shape (rows,)."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Two windows side by side. The prediction is under the name of the graph's output, and comes first.

    Attributes:
        live: labels, as people see them.
        reference: likewise.
        novelties: columns with new categories.
        remarks: column → why it can't tell anything.
    """

    measures: tuple[Measure, ...]
    live: Labels
    reference: Labels
    novelties: tuple[Novelty, ...]
    remarks: Mapping[str, str]


def measure_drift(contract: Contract, live: Window, reference: Window, parameters: DriftParameters) -> Compared:
    """Measure every column of the contract, and the prediction."""
    pairs = {name: (live.columns[name], reference.columns[name]) for name in contract.columns}
    of_live, of_reference = label_windows(contract, live, reference, parameters)
    measures = answer(
        [*_distances(of_live, parameters), *_share_changes(contract, parameters)],
        {**_label_codes(of_live, of_reference), **_share_codes(contract, pairs)},
        live.rows,
        probability=parameters.false_alarm_probability,
    )
    return Compared(
        measures=tuple(measures),
        live=of_live,
        reference=of_reference,
        novelties=tuple(_novelties(contract, pairs)),
        remarks=dict(_remarks(contract, pairs)),
    )


def label_windows(
    contract: Contract, live: Window, reference: Window, parameters: DriftParameters
) -> tuple[Labels, Labels]:
    """Label both windows by the reference's bins and categories; the prediction comes first."""
    edges = number_edges(reference.probabilities, parameters.number_bins)
    of_live = {OUTPUT: number_labels(live.probabilities, edges)}
    of_reference = {OUTPUT: number_labels(reference.probabilities, edges)}
    for name, column in contract.columns.items():
        pair = (live.columns[name], reference.columns[name])
        of_live[name], of_reference[name] = _label_column(column, pair, parameters)
    return of_live, of_reference


def _label_column(column: Column, pair: Pair, parameters: DriftParameters) -> Pair:
    live, reference = pair
    if column.is_numeric:
        edges = number_edges(reference, parameters.number_bins)
        return number_labels(live, edges), number_labels(reference, edges)
    seen = frequent(reference)
    shown = list(dict.fromkeys((*seen, *column.categories)))[: parameters.max_categories]
    known = (*seen, *column.categories)
    return category_labels(live, known=known, shown=shown), category_labels(reference, known=known, shown=shown)


def _distances(labels: Labels, parameters: DriftParameters) -> Iterator[Question]:
    for name in labels:
        yield Question(name, PSI, name, psi, power=1, floor=parameters.psi_threshold)
        yield Question(name, JENSEN_SHANNON, name, jensen_shannon, power=2, floor=parameters.jensenshannon_threshold)


def _share_changes(contract: Contract, parameters: DriftParameters) -> Iterator[Question]:
    missing, unknown = parameters.missing_share_threshold, parameters.unknown_share_threshold
    for name, column in contract.columns.items():
        yield Question(name, MISSING_CHANGE, name, share_change, power=2, floor=missing)
        if column.accept_unknown and column.categories:
            yield Question(name, UNKNOWN_CHANGE, f"{name}/unknown", share_change, power=2, floor=unknown)
        if column.accept_unknown:
            yield Question(name, NEW_SHARE, f"{name}/new", new_share, power=1, floor=unknown)


def _label_codes(live: Labels, reference: Labels) -> dict[str, np.ndarray]:
    return {name: _coded(np.concatenate([live[name], reference[name]])) for name in live}


def _coded(labels: np.ndarray) -> np.ndarray:
    """Return the cell of each label, the missing one in the first: its share is asked for too."""
    import pandas as pd  # noqa: PLC0415  slow, and the exporter shares this room

    codes, _ = pd.factorize(np.concatenate([[MISSING], labels]))
    return np.asarray(codes[1:])


def _share_codes(contract: Contract, pairs: Mapping[str, Pair]) -> dict[str, np.ndarray]:
    """Return the cells of unknown texts, and of each text that is not listed, for columns that take any."""
    codes: dict[str, np.ndarray] = {}
    for name, column in contract.columns.items():
        if column.accept_unknown:
            both = np.concatenate(pairs[name]).astype(str)
            codes[f"{name}/unknown"] = np.isin(both, ["", *column.categories]).astype(np.int64)
            codes[f"{name}/new"] = novelty_codes(column, *pairs[name])
    return codes


def _is_missing(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.isnan(values) if values.dtype.kind == "f" else values == "")


def _novelties(contract: Contract, pairs: Mapping[str, Pair]) -> Iterator[Novelty]:
    for name, column in contract.columns.items():
        found = find_novelty(name, column, *pairs[name]) if column.accept_unknown else None
        if found:
            yield found


def _remarks(contract: Contract, pairs: Mapping[str, Pair]) -> Iterator[tuple[str, str]]:
    for name in contract.columns:
        live, reference = pairs[name]
        if _is_missing(live).all() and _is_missing(reference).all():
            yield name, "has no value in either window: nothing can be compared"
        elif _is_missing(live).all():
            yield name, "has no value in the live window"
        elif _is_missing(reference).all():
            yield name, "has no value in the reference"
        elif len({*live.tolist(), *reference.tolist()}) == 1:
            yield name, "has one and the same value in both windows: nothing can be compared"
