"""Offers: what a customer may be given to stay, who may have it, what it costs and how often it works."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import Field, model_validator

from churn.contract.cells import text_of, truth
from churn.contract.column import Column
from churn.contract.economics import Beta, Economics
from churn.contract.part import Bound, ColumnName, Part
from churn.contract.texts import CONTROLS

Cell = bool | Annotated[int, Field(ge=-(2**53), le=2**53)] | Bound | str
Line = Annotated[str, Field(min_length=1, max_length=200, pattern=rf"^[^{CONTROLS}]+$")]
Share = Annotated[float, Field(ge=0, le=1)]


class Condition(Part):
    """What has to hold for a customer: of the value of a `column`, or that a column is a `reason`."""

    column: ColumnName | None = None
    equals: Cell | None = None
    one_of: tuple[Cell, ...] | None = Field(default=None, min_length=1)
    at_least: Bound | None = None
    at_most: Bound | None = None
    """Bounds are included, and may stand together; a missing value is never within them."""

    missing: bool | None = None
    """true: the column has no value; false: it has one."""

    reason: ColumnName | None = None
    """This column is among those that raise the customer's risk most."""

    @property
    def names(self) -> str:
        """The column that it is about."""
        return self.column or self.reason or ""

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The values of which the column's must be one; none when it asks for something else."""
        return (self.equals,) if self.equals is not None else self.one_of or ()

    @property
    def is_bounded(self) -> bool:
        """True when it asks for a number within bounds."""
        return self.at_least is not None or self.at_most is not None

    @model_validator(mode="after")
    def _asks_one_thing(self) -> "Condition":
        asked = [self.equals is not None, self.one_of is not None, self.is_bounded, self.missing is not None]
        if (self.column is None) is (self.reason is None):
            raise ValueError("a condition names either a `column` or a `reason`")
        if self.reason and any(asked):
            raise ValueError(f"the condition on the reason {self.reason!r} asks for nothing else: remove the rest")
        if self.column and sum(asked) != 1:
            raise ValueError(
                f"the condition on {self.column!r} needs exactly one of `equals`, `one_of`, `at_least` and `at_most`, "
                "or `missing`"
            )
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"no {self.column!r} is at least {self.at_least:g} and at most {self.at_most:g}")
        return self


class Offer(Part):
    """One offer. It is made to a customer for whom every condition of `when` holds, and none of `unless`."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")
    title: Line
    """For people, a few words: One-year contract."""

    words: Line | None = None
    """What to do, without a full stop: Offer a one-year contract with a month free. Unset: made from the title."""

    cost: float = Field(ge=0)
    """Of one offer that is taken, in the economics' currency; who would have stayed anyhow takes it too."""

    success: Share | Beta | None = None
    """Share of leavers who stay for it. Unset: that of the economics."""

    when: tuple[Condition, ...] = ()
    unless: tuple[Condition, ...] = ()
    least_probability: Share = 0.0
    """The offer is for customers who leave with at least this probability."""

    @property
    def call(self) -> str:
        """What to do, in words."""
        return self.words or f"Offer: {self.title}"

    def success_in(self, economics: Economics) -> float:
        """Return the expected share of leavers who stay for it."""
        share = economics.offer_success if self.success is None else self.success
        return share.mean if isinstance(share, Beta) else share


def offer_problems(
    offers: Sequence[Offer], *, columns: Mapping[str, Column], economics: Economics | None
) -> Iterator[str]:
    """Yield what is wrong with the offers of a contract."""
    if offers and economics is None:
        yield "`offers` are ranked by what they are expected to earn, and the contract has no `economics`"
    names = [offer.name for offer in offers]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"two offers are called {name!r}"
    for offer in offers:
        for place, conditions in (("when", offer.when), ("unless", offer.unless)):
            for condition in conditions:
                for problem in _condition_problems(condition, columns):
                    yield f"offer {offer.name!r}, {place}: {problem}"


def _condition_problems(condition: Condition, columns: Mapping[str, Column]) -> Iterator[str]:
    name = condition.names
    if name not in columns:
        yield f"{name!r} is not in `columns` (conditions read columns as they are sent, none that is derived)"
        return
    column = columns[name]
    if condition.is_bounded and column.type not in ("number", "integer"):
        yield f"`at_least` and `at_most` need a number, and {name!r} is a {column.type}"
    for cell in condition.cells:
        if problem := _cell_problem(cell, column):
            yield f"{name!r} {problem}"


def _cell_problem(cell: Cell, column: Column) -> str:
    if column.type == "category":
        if not isinstance(cell, str):
            return f'is a category, and {cell} is none: write it in quotes, like "{_as_written(cell)}"'
        if cell not in column.categories and not column.accept_unknown:
            return f"is never {cell!r}: it is one of {', '.join(column.categories)}"
        return ""
    if column.type == "boolean":
        return "" if _is_truth(cell) else f"is a boolean, and {cell!r} is neither true nor false"
    if isinstance(cell, bool | str):
        return f"is a number, and {cell!r} is none"
    return ""


def _as_written(cell: Cell) -> str:
    """YAML reads an unquoted Yes or No as a boolean."""
    return ("Yes" if cell else "No") if isinstance(cell, bool) else text_of(cell)


def _is_truth(cell: Cell) -> bool:
    try:
        truth(text_of(cell))
    except ValueError:
        return False
    return True
