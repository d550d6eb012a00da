"""Whether clients of one contract are served by another: each row that the old one takes, the new one takes too."""

from collections.abc import Iterator

from churn.contract.column import Column
from churn.contract.contract import Contract


def incompatibilities(old: Contract, new: Contract) -> tuple[str, ...]:
    """Say what a client of the old contract sends that the new one can't take; new optional columns are fine."""
    return tuple(_problems(old, new))


def _problems(old: Contract, new: Contract) -> Iterator[str]:
    if old.customer_id != new.customer_id:
        yield f"the customer's id is {new.customer_id!r} and was {old.customer_id!r}"
    for name, column in old.columns.items():
        if name not in new.columns:
            yield f"column {name!r} is no longer taken"
        else:
            yield from (f"column {name!r} {problem}" for problem in _narrowed(column, new.columns[name]))
    for name in new.required_columns:
        if name not in old.columns:
            yield f"column {name!r} is new and required"


def _narrowed(old: Column, new: Column) -> Iterator[str]:
    if old.type != new.type:
        yield f"is of type {new.type} and was {old.type}"
        return
    if new.required and not old.required:
        yield "is required and was not"
    lost = set(old.categories) - set(new.categories)
    if not new.accept_unknown and (lost or old.accept_unknown):
        yield f"no longer takes {', '.join(sorted(lost)) or 'unknown values'}"
    if _is_tighter(old.minimum, new.minimum, sign=1) or _is_tighter(old.maximum, new.maximum, sign=-1):
        yield f"is bounded by {new.minimum} and {new.maximum}, and was by {old.minimum} and {old.maximum}"


def _is_tighter(old: float | None, new: float | None, *, sign: int) -> bool:
    return new is not None and (old is None or sign * new > sign * old)
