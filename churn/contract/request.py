"""The request model: one customer as JSON, derived from the contract; and the row that the graph takes."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field, StringConstraints, create_model

from churn.contract.column import Column, example_of
from churn.contract.contract import Contract
from churn.contract.part import LARGEST_NUMBER
from churn.contract.texts import CONTROLS, MAX_TEXT

MISSING_NUMBER = math.nan
MISSING_TEXT = ""

CUSTOMER_ID_FIELD = "customer_id"
OpenText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TEXT, pattern=rf"^[^{CONTROLS}]+$")
]
OpenInteger = Annotated[int, Field(strict=True, gt=-(2**63), lt=2**63)]

Row = dict[str, float | str]
"""Graph-ready value per contract column."""


@dataclass(frozen=True, slots=True)
class CustomerRequest:
    """One validated customer.

    Attributes:
        customer_id: as sent, or None.
        row: graph-ready value per contract column; NaN and "" stand for missing.
        missing: columns without a value.
        unknown: open category columns whose value the contract does not list.
    """

    customer_id: str | None
    row: Row
    missing: tuple[str, ...]
    unknown: tuple[str, ...]


class RequestForm:
    """Reads customers sent as JSON. Built once per contract, used for every request.

    Attributes:
        model: the pydantic model behind the HTTP door and its OpenAPI schema; one field per contract column,
            by alias, so that any column name works.
    """

    def __init__(self, contract: Contract) -> None:
        self.model = request_model(contract)
        fields = [name for name in self.model.model_fields if name != CUSTOMER_ID_FIELD]
        self._plan = [
            (field, name, column.is_numeric, frozenset(column.categories) if column.accept_unknown else None)
            for field, (name, column) in zip(fields, contract.columns.items(), strict=True)
        ]

    def read(self, body: bytes) -> CustomerRequest:
        """Validate one JSON customer.

        Raises:
            pydantic.ValidationError: with one entry per field at fault.
        """
        return self.convert(self.model.model_validate_json(body))

    def convert(self, instance: BaseModel) -> CustomerRequest:
        """Turn a validated instance of `model` into a graph-ready row."""
        values = instance.__dict__
        row: Row = {}
        missing, unknown = [], []
        for field, name, is_numeric, known in self._plan:
            value = values[field]
            if value is None:
                row[name] = MISSING_NUMBER if is_numeric else MISSING_TEXT
                missing.append(name)
            elif is_numeric:
                row[name] = float(value)
            else:
                row[name] = str(value)
                if known is not None and row[name] not in known:
                    unknown.append(name)
        customer_id = values[CUSTOMER_ID_FIELD]
        return CustomerRequest(None if customer_id is None else str(customer_id), row, tuple(missing), tuple(unknown))


def request_model(contract: Contract) -> type[BaseModel]:
    """Derive the pydantic model of one customer; unknown fields, NaN and Infinity are refused."""
    fields: dict[str, Any] = {
        f"column_{position}": _field(name, column, frozenset(contract.missing_marks))
        for position, (name, column) in enumerate(contract.columns.items())
    }
    fields[CUSTOMER_ID_FIELD] = _customer_id_field(contract)
    config = ConfigDict(
        extra="forbid",
        allow_inf_nan=False,
        title="Customer",
        json_schema_extra={"example": dict(contract.example)},
    )
    return create_model("Customer", __config__=config, **fields)


def _customer_id_field(contract: Contract) -> tuple[Any, Any]:
    names = AliasChoices(*dict.fromkeys([contract.customer_id or CUSTOMER_ID_FIELD, CUSTOMER_ID_FIELD]))
    return OpenText | OpenInteger | None, Field(
        default=None, validation_alias=names, description="Generated when absent."
    )


def _field(name: str, column: Column, marks: frozenset[str]) -> tuple[Any, Any]:
    description = " ".join(filter(None, [column.description, f"[{column.unit}]" if column.unit else ""]))
    facts: Any = {"alias": name, "description": description or None, "examples": [example_of(column)]}
    if column.required:
        return _value_type(column, marks), Field(**facts)
    return _value_type(column, marks) | None, Field(default=None, **facts)


def _value_type(column: Column, marks: frozenset[str]) -> Any:
    match column.type:
        case "boolean":
            return bool
        case "number":
            return Annotated[float, Field(strict=True, **_bounds(column))]
        case "integer":
            whole = Field(strict=True, json_schema_extra={"multipleOf": 1}, **_bounds(column))
            return Annotated[float, whole, AfterValidator(_whole)]
        case "category" if column.accept_unknown:
            return Annotated[OpenText, AfterValidator(_not_one_of(marks - set(column.categories)))] | OpenInteger
        case "category":
            return Literal[*column.categories, *_as_integers(column.categories)]


def _bounds(column: Column) -> dict[str, Any]:
    return {
        "ge": -LARGEST_NUMBER if column.minimum is None else column.minimum,
        "le": LARGEST_NUMBER if column.maximum is None else column.maximum,
    }


def _whole(value: float) -> float:
    """Exactly whole, as in a table; pydantic's own check lets 1 in 10⁹ pass."""
    if value != math.floor(value):
        raise ValueError("a whole number is needed")
    return value


def _not_one_of(marks: frozenset[str]) -> Callable[[str], str]:
    """A file writes "N/A" where a JSON client sends null: a mark that came as a value would be scored as unknown."""

    def check(text: str) -> str:
        if text in marks:
            raise ValueError("this text stands for no value in a table: send null")
        return text

    return check


def _as_integers(categories: tuple[str, ...]) -> tuple[int, ...]:
    """Let a JSON client send 408 where the category is the text "408"."""
    return tuple(int(text) for text in categories if text.lstrip("-").isdecimal() and str(int(text)) == text)
