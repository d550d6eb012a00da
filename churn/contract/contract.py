"""The contract: columns, target, derived columns and policy of one company's customer table."""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from churn.errors import ContractError

MISSING_MARKS = ("", "?", "-", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "none", "#N/A")
"""Texts that stand for "no value" unless a contract says otherwise; compared after stripping blanks."""

TRUE_TEXTS = frozenset({"1", "true", "yes", "y", "t", "on", "1.0"})
FALSE_TEXTS = frozenset({"0", "false", "no", "n", "f", "off", "0.0"})
"""Spellings of a boolean, in any case: those that pydantic reads from JSON, and how files widen 0 and 1."""

MAX_TEXT = 255
"""Characters of a category or a customer id: what the SQL store's columns hold."""

LARGEST_NUMBER = 1e30
"""Beyond it nothing is a customer's number, and the graph, which computes in float32, would come near infinity."""

RESERVED_NAMES = frozenset({"churn_probability", "churn_prediction", "risk_level", "prediction_id", "customer_id"})
"""What answers and result tables are made of; a customer column of that name would be overwritten."""

CONTROLS = r"\x00-\x1f\x7f"
"""Characters that no category and no customer id holds."""

CONTROL = re.compile(f"[{CONTROLS}]")

ColumnName = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f]+$")]
Bound = Annotated[float, Field(ge=-LARGEST_NUMBER, le=LARGEST_NUMBER)]


class Part(BaseModel):
    """Base of all parts of a contract: frozen, and a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


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
        if self.minimum is not None or self.maximum is not None or self.decimal_comma:
            yield "a category is no number: remove `minimum`, `maximum` and `decimal_comma`"

    def _number_problems(self) -> Iterator[str]:
        if self.categories:
            yield f"type {self.type} has no `categories`: use type category"
        if self.decimal_comma and self.type not in {"number", "integer"}:
            yield f"type {self.type} has no decimals: remove `decimal_comma`"
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            yield f"minimum {self.minimum} is above maximum {self.maximum}"


class Target(Part):
    """The column that says who left."""

    column: ColumnName
    positive: str
    """The value of a customer who left, as text."""

    negative: str | None = None
    """The value of a customer who stayed; unset: every other value that is not missing."""

    horizon_days: int = Field(default=30, ge=1)
    """How long after a prediction its outcome is known."""


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


class Economics(Part):
    """What a customer is worth and what keeping one costs, in `currency`."""

    value_column: ColumnName
    """Numeric column with the customer's revenue per month."""

    currency: str = "USD"
    horizon_months: int = Field(default=12, ge=1)
    margin_ratio: float = Field(default=1.0, gt=0, le=1)
    contact_cost: float = Field(default=1.0, ge=0)
    offer_cost: float = Field(default=10.0, ge=0)
    offer_success_probability: float = Field(default=0.3, ge=0, le=1)


class Product(Part):
    """A relation that should hold within a tolerance: total ≈ the product of the factors. Reported, never enforced."""

    total: ColumnName
    factors: tuple[ColumnName, ...] = Field(min_length=2)
    tolerance_ratio: float = Field(default=0.2, gt=0)


class Policy(Part):
    """How a probability becomes a decision."""

    recall_at_least: float = Field(default=0.8, gt=0, le=1)
    """The threshold is the highest one that finds this share of those who leave."""

    high_risk_from: float = Field(default=0.6, gt=0, lt=1)
    """Probability from which a customer counts as HIGH risk."""


class Contract(Part):
    """One company's customer table. `load_contract` reads it from YAML."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")
    description: str = ""
    customer_id: ColumnName | None = None
    """Column that names the customer; unset: an id is generated for each row."""

    target: Target
    columns: dict[ColumnName, Column] = Field(min_length=1)
    derived: dict[ColumnName, Derived] = {}
    ignored: dict[ColumnName, str] = {}
    """Columns of the table that are not used, each with the reason."""

    leaking: dict[ColumnName, str] = {}
    """Columns that know the outcome: refused as inputs, each with the reason."""

    missing_marks: tuple[str, ...] = MISSING_MARKS
    relations: dict[str, Product] = {}
    """Named relations between columns; the quality report counts the rows that break one."""

    economics: Economics | None = None
    policy: Policy = Policy()

    @property
    def numeric_columns(self) -> tuple[str, ...]:
        """Input columns that the graph takes as float32, in the contract's order."""
        return tuple(name for name, column in self.columns.items() if column.is_numeric)

    @property
    def category_columns(self) -> tuple[str, ...]:
        """Input columns that the graph takes as text, in the contract's order."""
        return tuple(name for name, column in self.columns.items() if not column.is_numeric)

    @property
    def required_columns(self) -> tuple[str, ...]:
        """Input columns without which a row is refused."""
        return tuple(name for name, column in self.columns.items() if column.required)

    @property
    def example(self) -> dict[str, float | int | bool | str]:
        """A typical customer, for documentation and smoke tests."""
        return {name: example_of(column) for name, column in self.columns.items()}

    @model_validator(mode="after")
    def _holds_together(self) -> "Contract":
        problems = [*self._role_problems(), *self._derived_problems(), *self._number_problems()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _role_problems(self) -> Iterator[str]:
        for name in RESERVED_NAMES & {*self.columns, *self.derived}:
            yield f"{name!r} is the name of an answer and can't be a column: rename it in the table"
        roles: dict[str, list[str]] = {}
        for role, names in self._roles().items():
            for name in names:
                roles.setdefault(name, []).append(role)
        for name, found in roles.items():
            if len(found) > 1:
                yield f"column {name!r} has more than one role: {', '.join(found)}"

    def _roles(self) -> dict[str, tuple[str, ...]]:
        return {
            "customer_id": (self.customer_id,) if self.customer_id else (),
            "target": (self.target.column,),
            "columns": tuple(self.columns),
            "derived": tuple(self.derived),
            "ignored": tuple(self.ignored),
            "leaking": tuple(self.leaking),
        }

    def _derived_problems(self) -> Iterator[str]:
        for name, derived in self.derived.items():
            for source in sources_of(derived):
                if source not in self.columns:
                    yield f"derived column {name!r} reads {source!r}, which is not in `columns`"
                elif isinstance(derived, CountOf) and self.columns[source].is_numeric:
                    yield f"derived column {name!r}: count_of needs categories, and {source!r} is a number"
                elif not isinstance(derived, CountOf | IsMissing) and not self.columns[source].is_numeric:
                    yield f"derived column {name!r}: {derived.operation} needs numbers, and {source!r} is a category"

    def _number_problems(self) -> Iterator[str]:
        wanted = {f"relations.{name}": (rule.total, *rule.factors) for name, rule in self.relations.items()}
        if self.economics:
            wanted["economics.value_column"] = (self.economics.value_column,)
        for where, names in wanted.items():
            for name in names:
                if name not in self.columns or not self.columns[name].is_numeric:
                    yield f"{where} names {name!r}, which is not a numeric column of the contract"


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


def is_readable(text: str) -> bool:
    """True when a cell of this text can be a category: neither empty, nor too long, nor with control characters."""
    return 0 < len(text) <= MAX_TEXT and (text.isprintable() or not any(map(_is_control, text)))


def _is_control(letter: str) -> bool:
    # A lone surrogate can't be written as UTF-8: neither the graph nor a database takes it.
    return CONTROL.fullmatch(letter) is not None or "\ud800" <= letter <= "\udfff"


def load_contract(path: Path) -> Contract:
    """Read a contract from a YAML file.

    Raises:
        ContractError: the file can't be read, or does not hold; all problems at once.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError(f"the contract {path} can't be read: {error}") from error
    return parse_contract(text, str(path))


def parse_contract(text: str, source: str) -> Contract:
    """Read a contract from YAML text; `source` is named in errors."""
    try:
        return Contract.model_validate(yaml.load(text, _UniqueKeys))  # noqa: S506  a SafeLoader
    except yaml.YAMLError as error:
        raise ContractError(f"{source} is not YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, e['loc'])) or 'contract'}: {_plain(e)}" for e in error.errors()]
        listed = f" {problems[0]}" if len(problems) == 1 else "".join(f"\n  {problem}" for problem in problems)
        raise ContractError(f"{source} does not hold:{listed}") from error


def _plain(error: Any) -> str:
    """Say what is wrong; unquoted Yes, No and numbers are the mistake that YAML invites."""
    found = error["input"]
    if error["type"] == "string_type" and isinstance(found, bool):
        words, meant = ("Yes, On or True", "Yes") if found else ("No, Off or False", "No")
        return f'{words} without quotes is a boolean in YAML, and a text is needed: write it in quotes, like "{meant}"'
    if error["type"] == "string_type" and isinstance(found, int | float):
        return f'a text is needed, and {found} is a number: write it in quotes, like "{found}"'
    return str(error["msg"]).removeprefix("Value error, ")


class _UniqueKeys(yaml.SafeLoader):
    """Refuses a key that stands twice, of which YAML's loader would keep the last in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        """Build one mapping."""
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if twice := {key for key in keys if keys.count(key) > 1}:
            raise yaml.constructor.ConstructorError(None, None, f"{sorted(twice)[0]!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep=deep)


def dump_contract(contract: Contract) -> str:
    """Write a contract as YAML text that `parse_contract` reads back to an equal contract."""
    values = contract.model_dump(mode="json", exclude_defaults=True)
    text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=110)
    if yaml.safe_load(text) == values:
        return text
    return yaml.safe_dump(values, sort_keys=False, width=110)  # some line ends of Unicode survive only as escapes
