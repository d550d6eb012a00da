"""A contract's column from the profile of a table's column: type, bounds, categories, a typical value."""

import math
from collections.abc import Mapping

import numpy as np

from churn.contract.column import Column
from churn.contract.inference.naming import is_protected
from churn.contract.inference.profile import FEW_VALUES, Profile
from churn.contract.part import LARGEST_NUMBER
from churn.contract.texts import TRUE_TEXTS

RARE_ROWS = 5


def column_of(column: Profile, *, required: bool) -> Column:
    """Describe an input column; its kind is boolean, integer, number or category."""
    traits = {"required": required, "protected": is_protected(column.name)}
    if column.kind == "category":
        return Column.model_validate(traits | _category(column.present))
    if column.kind == "boolean":
        return Column.model_validate(
            traits | {"type": "boolean", "example": round(float(np.nanmedian(_flags(column))))}
        )
    return Column.model_validate(traits | _number(column))


def is_open(present: Mapping[str, int]) -> bool:
    """Return whether more categories than those seen must be expected."""
    return len(present) > FEW_VALUES or min(present.values()) < RARE_ROWS


def _category(present: Mapping[str, int]) -> dict[str, object]:
    by_count = sorted(present, key=lambda text: (-present[text], text))
    return {
        "type": "category",
        "categories": tuple(by_count),
        "accept_unknown": is_open(present),
        "example": by_count[0],
    }


def _flags(column: Profile) -> np.ndarray:
    truths = [float(text.lower() in TRUE_TEXTS) if text in column.present else np.nan for text in column.texts]
    return np.take(truths, column.codes)


def _number(column: Profile) -> dict[str, object]:
    numbers = column.numbers[~np.isnan(column.numbers)]
    low, high = float(numbers.min()), float(numbers.max())
    typical = float(np.quantile(numbers, 0.5, method="lower"))
    return {
        "type": column.kind,
        "decimal_comma": column.has_decimal_comma,
        "minimum": 0 if low >= 0 else -_round_up((high - low) - low),
        "maximum": 0 if high <= 0 else _round_up(high + (high - low)),
        "example": int(typical) if column.kind == "integer" else typical,
    }


def _round_up(value: float) -> float:
    """Round a positive number outwards to one digit: 219 becomes 300."""
    unit = 10.0 ** math.floor(math.log10(value))
    rounded = math.ceil(value / unit) * unit
    return min(float(f"{rounded:.6g}"), LARGEST_NUMBER)
