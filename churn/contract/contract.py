"""The contract: columns, target, derived columns and policy of one company's customer table."""

from collections.abc import Iterator
from typing import Any

from pydantic import Field, model_validator

from churn.contract.column import Column, example_of
from churn.contract.derived import CountOf, Derived, IsMissing, sources_of
from churn.contract.economics import Economics
from churn.contract.fairness import Fairness
from churn.contract.monotone import monotone_problems
from churn.contract.offers import Offer, offer_problems
from churn.contract.part import ColumnName, Part
from churn.contract.policy import Policy
from churn.contract.proxy import Proxy, proxy_problems, with_proxy_defaults
from churn.contract.segmentation import Segmentation
from churn.contract.survival import Survival
from churn.contract.texts import MISSING_MARKS
from churn.contract.validation import Validation

RESERVED_NAMES = frozenset(
    {
        "churn_probability",
        "churn_prediction",
        "risk_level",
        "prediction_id",
        "customer_id",
        "segment",
        "expected_profit",
        "expected_loss",
        "priority_score",
        "recommendations",
        "actions",
        "top_risk_factors",
        "contributions",
        "explanation",
        "input_row",
        "rejected_because",
        *(f"{word}_{place}" for word in ("reason", "recommendation") for place in (1, 2, 3)),
    }
)
"""What answers and result tables are made of; a customer column of that name would be overwritten."""


class Target(Part):
    """The column that says who left."""

    column: ColumnName
    positive: str
    """The value of a customer who left, as text."""

    negative: str | None = None
    """The value of a customer who stayed; unset: every other value that is not missing."""

    horizon_days: int = Field(default=30, ge=1)
    """How long after a prediction its outcome is known; with a proxy it is the proxy's lead and horizon."""

    proxy: Proxy | None = None
    """How the column is made where no table has it; `column` is then `churned`, `positive` "1" and `negative` "0"."""

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, target: Any) -> Any:
        return with_proxy_defaults(target)

    @model_validator(mode="after")
    def _knows_the_outcome_in_time(self) -> "Target":
        if self.proxy and self.proxy.known_after_days != self.horizon_days:
            raise ValueError(
                f"`horizon_days` is {self.horizon_days}, and the proxy knows the outcome after "
                f"{self.proxy.known_after_days} days: remove it from the target"
            )
        return self


class Product(Part):
    """A relation that should hold within a tolerance: total ≈ the product of the factors. Reported, never enforced."""

    total: ColumnName
    factors: tuple[ColumnName, ...] = Field(min_length=2)
    tolerance_ratio: float = Field(default=0.2, gt=0)


class Contract(Part):
    """One company's customer table. `load_contract` reads it from YAML."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")
    description: str = ""
    licence: str = ""
    """Under which terms the data may be used; shown on the model card."""

    customer_id: ColumnName | None = None
    """Column that names the customer; unset: an id is generated for each row."""

    target: Target
    columns: dict[ColumnName, Column] = Field(min_length=1)
    derived: dict[ColumnName, Derived] = Field(default={})
    ignored: dict[ColumnName, str] = Field(default={})
    """Columns of the table that are not used, each with the reason."""

    leaking: dict[ColumnName, str] = Field(default={})
    """Columns that know the outcome: refused as inputs, each with the reason."""

    trusted: dict[ColumnName, str] = Field(default={})
    """Input columns that look as if they knew the outcome and do not, each with the reason: the audit passes them."""

    missing_marks: tuple[str, ...] = MISSING_MARKS
    relations: dict[str, Product] = Field(default={})
    """Named relations between columns; the quality report counts the rows that break one."""

    validation: Validation = Validation()
    economics: Economics | None = None
    offers: tuple[Offer, ...] = ()
    """What may be offered to a customer; ranked by what each is expected to earn, so they need `economics`."""

    policy: Policy = Policy()
    segments: Segmentation | None = None
    survival: Survival | None = None
    fairness: Fairness | None = None
    """Unset: the groups of protected columns are reported, and nothing is refused for them."""

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
        problems = [
            *self._role_problems(),
            *self._derived_problems(),
            *self._number_problems(),
            *self._part_problems(),
            *offer_problems(self.offers, columns=self.columns, economics=self.economics),
            *monotone_problems(self.columns, self.derived),
            *self._proxy_problems(),
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _proxy_problems(self) -> Iterator[str]:
        if self.target.proxy:
            yield from proxy_problems(
                self.target.proxy,
                customer_id=self.customer_id,
                validation=self.validation,
                columns=self.columns,
            )

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
            "validation.group": (self.validation.group,) if self.validation.group else (),
            "validation.time": (self.validation.time,) if self.validation.time else (),
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
        if self.economics and self.economics.value_column:
            wanted["economics.value_column"] = (self.economics.value_column,)
        if self.survival:
            wanted["survival.duration"] = (self.survival.duration,)
        for where, names in wanted.items():
            for name in names:
                if name not in self.columns or not self.columns[name].is_numeric:
                    yield f"{where} names {name!r}, which is not a numeric column of the contract"

    def _part_problems(self) -> Iterator[str]:
        for name in self.segments.columns if self.segments else ():
            if name not in self.columns and name not in self.derived:
                yield f"segments.columns names {name!r}, which is neither in `columns` nor in `derived`"
        for name in self.trusted:
            if name not in self.columns:
                yield f"trusted names {name!r}, which is not in `columns`"
        if self.economics and self.economics.value_from == "survival" and not self.survival:
            yield "economics.value_from is survival, and the contract has no `survival`"
