"""Finds segments: KMeans on the columns that the contract names, then the book that serving recognises them by."""

import numpy as np

from churn.contract.contract import Contract
from churn.contract.derived import Derived
from churn.contract.segmentation import Segmentation
from churn.contract.table import Columns
from churn.errors import ContractError, TableError
from churn.features.operations import derive
from churn.segments.assignment import SegmentBook
from churn.segments.choosing import SMALLEST_SHARE, choose_count, k_means
from churn.segments.description import described
from churn.segments.profile import Choice, Segment
from churn.segments.scales import Scale
from churn.segments.scaling import fit_scale

FITTED_ROWS = 20_000
"""More customers move no centre by anything that could be seen; the figures are of all of them."""


def find_segments(
    contract: Contract, columns: Columns, labels: np.ndarray, *, seed: int, values: np.ndarray | None = None
) -> SegmentBook:
    """Group the customers of a table, and describe the groups; the same seed gives the same segments.

    Args:
        contract: must have `segments`.
        columns: graph-ready columns, each of shape (rows,).
        labels: 1 for customers who left, else 0; shape (rows,).
        seed: of every draw.
        values: what each customer is worth over the horizon, from `customer_value`; shape (rows,). None: computed
            from `contract.economics` where it says so without survival, else not told.

    Raises:
        ContractError: the contract has no `segments`.
        TableError: fewer customers, or fewer different ones, than two segments need.
    """
    wanted = _wanted(contract)
    derived = {name: contract.derived[name] for name in wanted.columns if name in contract.derived}
    scales, points = _points(wanted, derived, columns)
    points = points[np.random.default_rng(seed).permutation(len(points))[:FITTED_ROWS]]
    _require_differences(points, wanted)
    centres, choice = _centres(points, _choice(wanted, points, seed), seed)
    book = SegmentBook(
        contract=contract.name,
        scales=scales,
        derived=derived,
        segments=tuple(_unnamed(centre) for centre in centres),
        choice=choice,
        currency=contract.economics.currency if contract.economics else "",
    )
    return described(book, contract, columns, labels, values=values)


def _wanted(contract: Contract) -> Segmentation:
    if contract.segments is None:
        raise ContractError(f"contract {contract.name!r} has no `segments`: name the columns to group customers by")
    return contract.segments


def _points(
    wanted: Segmentation, derived: dict[str, Derived], columns: Columns
) -> tuple[tuple[Scale, ...], np.ndarray]:
    values = {**columns, **{name: derive(how, columns) for name, how in derived.items()}}
    scales = tuple(fit_scale(name, values[name]) for name in wanted.columns)
    return scales, np.hstack([scale.encode(values[scale.name]) for scale in scales])


def _require_differences(points: np.ndarray, wanted: Segmentation) -> None:
    distinct = len(np.unique(points, axis=0)) if len(points) else 0
    least = 2 if wanted.count == "auto" else max(2, wanted.count)
    if distinct < least:
        raise TableError(
            f"the table has {distinct} different customers in {', '.join(wanted.columns)}, and segments need {least}: "
            "name other columns in `segments.columns`, or lower `segments.count`"
        )


def _choice(wanted: Segmentation, points: np.ndarray, seed: int) -> Choice:
    if wanted.count == "auto":
        return choose_count(points, seed=seed)
    return Choice(count=wanted.count, is_discovered=False, why=f"The contract asks for {wanted.count} segments.")


def _centres(points: np.ndarray, choice: Choice, seed: int) -> tuple[np.ndarray, Choice]:
    """Fit, and give the customers of segments that are too small to the next ones."""
    count = min(choice.count, len(np.unique(points, axis=0)))
    model = k_means(points, count, seed=seed)
    is_large = np.bincount(model.labels_, minlength=count) >= SMALLEST_SHARE * len(points)
    centres = np.asarray(model.cluster_centers_)[is_large]
    return centres, _corrected(choice, len(centres))


def _corrected(choice: Choice, count: int) -> Choice:
    if count == choice.count:
        return choice
    lost = choice.count - count
    why = f"{choice.why} {lost} of them held under {SMALLEST_SHARE:.0%} of the customers and joined others."
    return choice.model_copy(update={"count": count, "why": why})


def _unnamed(centre: np.ndarray) -> Segment:
    return Segment(name="", centre=tuple(centre.tolist()), size=0, share=0, churn_rate=0, churn_low=0, churn_high=1)
