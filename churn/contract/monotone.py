"""Monotone constraints: which features of the model must not lower, or not raise, the risk."""

from collections.abc import Iterator, Mapping

from churn.contract.column import Column
from churn.contract.derived import Bin, Derived, Difference, IsMissing, Log1p, Sum, sources_of

SIGNS = {"increasing": 1, "decreasing": -1}


def monotone_signs(columns: Mapping[str, Column], derived: Mapping[str, Derived]) -> dict[str, int]:
    """Return +1 or -1 for each constrained column, and for the derived columns that have to follow it."""
    own = {name: SIGNS[column.monotone] for name, column in columns.items() if column.monotone}
    followed = {name: _sign(how, own) for name, how in derived.items()}
    return own | {name: sign for name, sign in followed.items() if sign}


def monotone_problems(columns: Mapping[str, Column], derived: Mapping[str, Derived]) -> Iterator[str]:
    """Say which derived columns would move against a constrained column that they are made from."""
    own = {name: SIGNS[column.monotone] for name, column in columns.items() if column.monotone}
    for name, how in derived.items():
        constrained = [source for source in sources_of(how) if source in own]
        if constrained and not isinstance(how, IsMissing) and not _sign(how, own):
            yield (
                f"derived column {name!r} ({how.operation}) reads {constrained[0]!r}, which is monotone, and may move "
                "against it: remove the one or the other"
            )


def _sign(how: Derived, own: Mapping[str, int]) -> int:
    """The constraint that a derived column has to follow; 0 for none, or for one that can't be kept."""
    match how:
        case Bin() | Log1p():
            return own.get(how.column, 0)
        case Sum():
            signs = {own[name] for name in how.columns if name in own}
            return signs.pop() if len(signs) == 1 else 0
        case Difference():
            left, right = own.get(how.left, 0), -own.get(how.right, 0)
            return left + right if not left or not right else left if left == right else 0
        case _:
            return 0
