"""Infer a contract from a customer table: what each column is, which know the outcome, which are of no use."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import ValidationError

from churn.contract.contract import Contract
from churn.contract.inference.columns import column_of, is_open
from churn.contract.inference.naming import revenue_score
from churn.contract.inference.profile import FEW_VALUES, SOFT_MARKS, Profile, profile_of
from churn.contract.inference.roles import SUSPICIOUS_AUC, Roles, assign, find_id
from churn.contract.inference.signal import ENOUGH
from churn.contract.inference.target import Outcome, did_you_mean, outcome_of
from churn.contract.texts import MISSING_MARKS
from churn.errors import ContractError, TableError


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a column that its owner should know or decide; `column` is "" for the whole table."""

    column: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Inference:
    """A drafted contract and what was found on the way."""

    contract: Contract
    findings: tuple[Finding, ...]


def infer_contract(
    columns: Mapping[str, Sequence[object]],
    *,
    name: str,
    target: str,
    positive: str | None = None,
    customer_id: str | None = None,
) -> Inference:
    """Draft a contract from a table.

    Args:
        columns: cells per column, as a file holds them.
        name: of the contract.
        target: column that says who left.
        positive: its value for those who left; unset: a word that says so, else the rarer value.
        customer_id: column that names the customer; unset: found by name and values.

    Raises:
        TableError: a named column or value is not there, the target has not two values, or no column is of use.
        ContractError: the name can't be one.
    """
    _require(columns, target, customer_id)
    profiles = {name: profile_of(name, cells) for name, cells in columns.items()}
    outcome = outcome_of(profiles.pop(target), positive)
    customer_id = customer_id or find_id(profiles)
    id_profile = profiles.pop(customer_id) if customer_id else None
    roles = assign(profiles, outcome.left, outcome.labelled)
    contract = _contract(
        profiles,
        roles,
        roles.required(profiles, int(outcome.left.sum())),
        {
            "name": name,
            "customer_id": customer_id,
            "target": {"column": target, "positive": outcome.positive, "negative": outcome.negative},
        },
    )
    findings = [
        *_target_findings(target, outcome),
        *_id_findings(id_profile),
        *_role_findings(roles),
        *(finding for name in contract.columns for finding in _column_findings(profiles[name], roles.inputs[name])),
        *_value_findings(contract),
    ]
    return Inference(contract, tuple(findings))


def _require(columns: Mapping[str, object], target: str, customer_id: str | None) -> None:
    for role, column in (("target", target), ("id", customer_id)):
        if column is not None and column not in columns:
            raise TableError(f"the table has no {role} column {column!r}: {did_you_mean(column, columns)}")
    if target == customer_id:
        raise TableError(f"column {target!r} can't be both target and id: name two columns")


def _contract(
    profiles: Mapping[str, Profile], roles: Roles, required: frozenset[str], known: dict[str, object]
) -> Contract:
    if not roles.inputs:
        raise TableError("no column is of use as an input: all are ignored or know the outcome")
    inputs = {name: column_of(profiles[name], required=name in required) for name in roles.inputs}
    value_column = _value_column([name for name, column in inputs.items() if column.type in ("number", "integer")])
    try:
        return Contract.model_validate(
            known
            | {"columns": inputs, "ignored": roles.ignored, "leaking": roles.leaking}
            | {"missing_marks": _missing_marks(profiles[name] for name in inputs)}
            | ({"economics": {"value_column": value_column}} if value_column else {})
        )
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, entry['loc']))}: {entry['msg']}" for entry in error.errors())
        raise ContractError(f"no contract can be drafted: {problems}") from error


def _value_column(numbers: list[str]) -> str | None:
    best = max(numbers, key=revenue_score, default=None)
    return best if best is not None and revenue_score(best) else None


def _missing_marks(inputs: Iterator[Profile]) -> tuple[str, ...]:
    """Return the usual marks, and those others that this table uses."""
    found = {mark for profile in inputs for mark in profile.marks}
    return MISSING_MARKS + tuple(sorted(found - set(MISSING_MARKS)))


def _target_findings(target: str, outcome: Outcome) -> Iterator[Finding]:
    share = outcome.left.mean()
    how = ", guessed because it is the rarer value: give --positive if it is the other" if outcome.is_guessed else ""
    yield Finding(target, "target", f"{share:.1%} left, said by {outcome.positive!r}{how}")
    unlabelled = int((~outcome.labelled).sum())
    if unlabelled:
        yield Finding(target, "target", f"{unlabelled:,} rows have no outcome and can't be learned from")
    if min(outcome.left.sum(), (~outcome.left).sum()) < ENOUGH:
        yield Finding(target, "target", f"fewer than {ENOUGH} customers left, or stayed: leaks can't be found")


def _id_findings(column: Profile | None) -> Iterator[Finding]:
    if column is None:
        yield Finding("", "id", "no column names the customer: each row gets an id of its own; give --id if one does")
    elif len(column.present) < column.rows_present:
        repeated = column.rows_present - len(column.present)
        yield Finding(column.name, "id", f"{repeated:,} rows repeat the id of another row")
    else:
        yield Finding(column.name, "id", "names the customer")


def _role_findings(roles: Roles) -> Iterator[Finding]:
    for name, reason in roles.leaking.items():
        yield Finding(name, "leaking", reason)
    for name, reason in roles.ignored.items():
        yield Finding(name, "ignored", reason)


def _column_findings(column: Profile, auc: float) -> Iterator[Finding]:
    if auc >= SUSPICIOUS_AUC:
        yield Finding(column.name, "suspicious", f"tells much alone (ROC-AUC {auc:.3f}): is it known beforehand?")
    if column.rows_missing:
        marks = ", ".join(f"{mark!r} ({count:,})" for mark, count in column.marks.items())
        yield Finding(column.name, "missing", f"read as missing: {marks}")
    if column.kind in ("integer", "number") and (bad := _unreadable(column)):
        yield Finding(column.name, "bad cells", f"{bad:,} cells are not numbers: their rows will be set aside")
    if column.kind == "category":
        yield from _category_findings(column)


def _unreadable(column: Profile) -> int:
    """Count the cells that are values and not numbers."""
    return int(np.isnan(column.numbers).sum()) - column.rows_missing


def _category_findings(column: Profile) -> Iterator[Finding]:
    soft = sorted(SOFT_MARKS & column.present.keys())
    if soft:
        yield Finding(column.name, "category", f"{', '.join(map(repr, soft))} is read as a value, not as missing")
    if len({text.casefold() for text in column.present}) < len(column.present):
        yield Finding(column.name, "category", "some values differ only in capital letters")
    if is_open(column.present):
        reason = "many values" if len(column.present) > FEW_VALUES else "some values are rare"
        yield Finding(column.name, "category", f"{reason}, so that values not listed are accepted as unknown")


def _value_findings(contract: Contract) -> Iterator[Finding]:
    if contract.economics is None:
        yield Finding("", "value", "no column looks like revenue per month: name one in `economics` to weigh money")
    else:
        yield Finding(contract.economics.value_column or "", "value", "taken as revenue per month: see `economics`")
