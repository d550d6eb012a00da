"""Effects: what each kind of shift does to customers, or to what is recorded of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from churn.data.simulation.people import UNKNOWN, Flags, Floats, Source, Traits
from churn.data.simulation.shifts import Kind, Shift


def faults_in(shift: Shift, source: Source, traits: Traits) -> Iterator[str]:
    """Say why a source can't have a shift; nothing when it can."""
    if shift.kind == "price" and source.price_column is None:
        yield "there is no price: name the column with scale"
    if shift.column and shift.column not in source.names:
        yield f"there is no column {shift.column!r}"
    elif shift.kind == "scale" and shift.column not in traits.numbers:
        yield f"{shift.column} is no number"
    elif shift.value and shift.column not in traits.codes:
        yield f"{shift.column} is no category"
    elif shift.kind == "share" and shift.value not in traits.values[shift.column]:
        yield f"{shift.column} has no value {shift.value!r}"
    elif shift.kind == "new" and shift.value in traits.values[shift.column]:
        yield f"{shift.column} has the value {shift.value!r} already"


@dataclass(frozen=True, slots=True)
class Moment:
    """When a shift is applied, and to whom.

    Attributes:
        month: its number.
        point: a number in [0, 1) per customer that never changes: who is moved stays moved.
        share: of the value among all people before any shift; only `share` needs it.
    """

    month: int
    point: Floats
    share: float = 0.0


def applied(shift: Shift, traits: Traits, source: Source, moment: Moment) -> Traits:
    """Return traits with what a shift does to them; unchanged before its month."""
    if shift.progress(moment.month) == 0 or shift.kind not in WAYS:
        return traits
    return WAYS[shift.kind](shift, traits, source, moment)


def _scaled(shift: Shift, traits: Traits, source: Source, moment: Moment) -> Traits:
    column = shift.column or source.price_column or ""
    places = 0 if column in source.whole_columns else 4
    moved = np.round(traits.numbers[column] * shift.factor(moment.month), places)
    return Traits({**traits.numbers, column: moved}, traits.codes, traits.values)


def _share_moved(shift: Shift, traits: Traits, source: Source, moment: Moment) -> Traits:
    del source
    codes, values = traits.codes[shift.column], traits.values[shift.column]
    code, progress = values.index(shift.value), shift.progress(moment.month)
    if shift.amount >= 1:
        moving = min((shift.amount - 1) * moment.share / max(1 - moment.share, 1e-12), 1.0)
        return _recoded(traits, shift.column, np.where(moment.point < moving * progress, code, codes))
    others = np.bincount(codes[(codes != code) & (codes != UNKNOWN)], minlength=len(values))
    leaving = (codes == code) & (moment.point < (1 - shift.amount) * progress)
    return _recoded(traits, shift.column, np.where(leaving, int(np.argmax(others)), codes))


def _emptied(shift: Shift, traits: Traits, source: Source, moment: Moment) -> Traits:
    del source
    is_gone = _chosen(shift, moment)
    if shift.column in traits.codes:
        return _recoded(traits, shift.column, np.where(is_gone, UNKNOWN, traits.codes[shift.column]))
    emptied = np.where(is_gone, np.nan, traits.numbers[shift.column])
    return Traits({**traits.numbers, shift.column: emptied}, traits.codes, traits.values)


def _renamed(shift: Shift, traits: Traits, source: Source, moment: Moment) -> Traits:
    del source
    values = (*traits.values[shift.column], shift.value)
    codes = np.where(_chosen(shift, moment), len(values) - 1, traits.codes[shift.column])
    known = Traits(traits.numbers, traits.codes, {**traits.values, shift.column: values})
    return _recoded(known, shift.column, codes)


def _chosen(shift: Shift, moment: Moment) -> Flags:
    return moment.point < shift.amount * shift.progress(moment.month)


def _recoded(traits: Traits, column: str, codes: np.ndarray) -> Traits:
    return Traits(traits.numbers, {**traits.codes, column: codes}, traits.values)


WAYS: dict[Kind, Callable[[Shift, Traits, Source, Moment], Traits]] = {
    "price": _scaled,
    "scale": _scaled,
    "share": _share_moved,
    "missing": _emptied,
    "new": _renamed,
}
"""What each kind does to traits; the others change chances only."""
