"""Derived columns: the named operations and what each reads."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from churn.contract.part import Bound, ColumnName, Part


class Ratio(Part):
    """numerator / denominator; missing when the denominator is 0, either is missing, or the ratio too large."""

    operation: Literal["ratio"]
    numerator: ColumnName
    denominator: ColumnName


class Difference(Part):
    """left - right; missing when either is missing."""

    operation: Literal["difference"]
    left: ColumnName
    right: ColumnName


class Sum(Part):
    """The sum of numeric columns; missing when any is missing."""

    operation: Literal["sum"]
    columns: tuple[ColumnName, ...] = Field(min_length=2)


class CountOf(Part):
    """In how many of the category columns the value is one of `values`."""

    operation: Literal["count_of"]
    columns: tuple[ColumnName, ...] = Field(min_length=1)
    values: tuple[str, ...] = Field(min_length=1)


class Bin(Part):
    """The number of edges that the value reaches (0 … len(edges)); missing stays missing."""

    operation: Literal["bin"]
    column: ColumnName
    edges: tuple[Bound, ...] = Field(min_length=1)

    @field_validator("edges")
    @classmethod
    def _ascend(cls, edges: tuple[float, ...]) -> tuple[float, ...]:
        if list(edges) != sorted(set(edges)):
            raise ValueError("`edges` must ascend without repeats")
        return edges


class Log1p(Part):
    """log(1 + value); missing when the value is below or at -1, or missing."""

    operation: Literal["log1p"]
    column: ColumnName


class IsMissing(Part):
    """1 when the column has no value, else 0."""

    operation: Literal["is_missing"]
    column: ColumnName


Derived = Annotated[Ratio | Difference | Sum | CountOf | Bin | Log1p | IsMissing, Field(discriminator="operation")]


def sources_of(derived: Derived) -> tuple[str, ...]:
    """Return the columns that a derived column is made from."""
    match derived:
        case Ratio():
            return (derived.numerator, derived.denominator)
        case Difference():
            return (derived.left, derived.right)
        case Sum() | CountOf():
            return derived.columns
        case Bin() | Log1p() | IsMissing():
            return (derived.column,)
