"""One input column: its type, its bounds or categories, and an example that a door would take."""

import math
from collections.abc import Iterator
from typing import Literal

from pydantic import model_validator

from churn.contract.part import LARGEST_NUMBER, Bound, Part
from churn.contract.texts import FALSE_TEXTS, TRUE_TEXTS, is_readable


class Column(Part):
    """One input column of a customer row."""

    type: Literal["number", "integer", "boolean", "category"]
    """number and integer are bounded numbers; boolean is 0/1, yes/no, true/false; category is text."""

    description: str = ""
    unit: str = ""
    required: bool = False
    """A row without a value here is set aside (table) or refused (request)."""

    decimal_comma: bool = False
    """Texts of a file write 1.234,56 for 1234.56; JSON and typed files have numbers, which are read as they are."""

    minimum: Bound | None = None
    maximum: Bound | None = None
    categories: tuple[str, ...] = ()
    """The known values of a category, in the order that people like to see."""

    accept_unknown: bool = False
    """True: a category outside `categories` is scored as unknown and counted. False: the row is refused."""

    protected: bool = False
    """Used for fairness reports (sex, age …), never for choosing whom to serve worse."""

    monotone: Literal["increasing", "decreasing"] | None = None
    """increasing: the model may never say less risk for a larger number, all other columns being equal."""

    example: float | int | bool | str | None = None
    """A typical value, shown in the API's documentation."""

    @property
    def is_numeric(self) -> bool:
        """True when the graph takes this column as a number; a boolean is 0 or 1."""
        return self.type != "category"

    @model_validator(mode="after")
    def _fits_its_type(self) -> "Column":
        problems = [*(self._category_problems() if self.type == "category" else self._number_problems())]
        if not problems and self.example is not None and (fault := _fault_of_example(self)):
            problems = [f"the example {self.example!r} {fault}"]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _category_problems(self) -> Iterator[str]:
        if not self.categories and not self.accept_unknown:
            yield "a category needs `categories:`, or `accept_unknown: true`"
        if len(set(self.categories)) != len(self.categories):
            yield "`categories` names a value twice"
        for text in self.categories:
            if text != text.strip() or not is_readable(text):
                yield f"the category {text[:40]!r} is empty, too long, or has blanks at its ends or control characters"
        if self.monotone:
            yield "only a number can be `monotone`"
        if self.minimum is not None or self.maximum is not None or self.decimal_comma:
            yield "a category is no number: remove `minimum`, `maximum` and `decimal_comma`"

    def _number_problems(self) -> Iterator[str]:
        if self.categories:
            yield f"type {self.type} has no `categories`: use type category"
        if self.decimal_comma and self.type not in {"number", "integer"}:
            yield f"type {self.type} has no decimals: remove `decimal_comma`"
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            yield f"minimum {self.minimum} is above maximum {self.maximum}"


def example_of(column: Column) -> float | int | bool | str:
    """Return the column's example, or one that its description allows."""
    if column.example is not None:
        return column.example
    match column.type:
        case "category":
            return column.categories[0] if column.categories else "other"
        case "boolean":
            return False
        case "integer":
            nearest = _nearest_to_zero(column)
            return math.ceil(nearest) if nearest > 0 else math.floor(nearest)
        case "number":
            return _nearest_to_zero(column)


def _nearest_to_zero(column: Column) -> float:
    low = -LARGEST_NUMBER if column.minimum is None else column.minimum
    high = LARGEST_NUMBER if column.maximum is None else column.maximum
    return float(min(max(0.0, low), high))


def _fault_of_example(column: Column) -> str:
    """Say why a door would refuse the example that it shows; an empty text when it would not."""
    example = column.example
    if column.type == "category":
        return "" if column.accept_unknown or str(example) in column.categories else "is not one of `categories`"
    if column.type == "boolean":
        return "" if str(example).lower() in TRUE_TEXTS | FALSE_TEXTS else "is not true or false"
    if isinstance(example, bool | str) or example is None:
        return "is not a number"
    low = -LARGEST_NUMBER if column.minimum is None else column.minimum
    high = LARGEST_NUMBER if column.maximum is None else column.maximum
    if not low <= example <= high:
        return "is outside the bounds"
    return "is not a whole number" if column.type == "integer" and example != int(example) else ""
