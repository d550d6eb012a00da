"""A drafted contract as YAML that people can read and correct: a line per column, with what was found beside it."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from churn.contract.contract import Contract
from churn.contract.inference.infer import Finding, Inference
from churn.contract.texts import MISSING_MARKS

BESIDE = ("id", "target", "suspicious", "missing", "bad cells", "category", "value")
"""Kinds of findings that are written beside their column; the reasons of the others are values of the contract."""


def render(inference: Inference) -> str:
    """Write the draft; `parse_contract` reads it back to the same contract."""
    contract = inference.contract
    beside = _beside(inference.findings)
    sections = [
        _heading(contract, beside),
        _columns(contract, beside),
        _reasons("ignored", "not used, each with the reason; move a line to `columns` to use it", contract.ignored),
        _reasons("leaking", "known only after the customer left: refused as inputs", contract.leaking),
        _marks(contract),
        _economics(contract),
        ["# policy: {recall_at_least: 0.8, high_risk_from: 0.6}  # how a probability becomes a decision"],
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def _beside(findings: tuple[Finding, ...]) -> dict[str, str]:
    texts: dict[str, list[str]] = {}
    for finding in findings:
        if finding.kind in BESIDE:
            texts.setdefault(finding.column, []).append(finding.text)
    return {column: "  # " + _one_line("; ".join(found)) for column, found in texts.items()}


def _heading(contract: Contract, beside: Mapping[str, str]) -> list[str]:
    target = contract.target
    return [
        "# Drafted from a table. It works as it is; check the comments, then correct what you know better.",
        f"name: {contract.name}",
        _id_line(contract.customer_id, beside),
        "target:",
        f"  column: {_flow(target.column)}{beside.get(target.column, '')}",
        f"  positive: {_flow(target.positive)}  # left",
        f"  negative: {_flow(target.negative)}  # stayed",
        "  # horizon_days: 30  # how long after a prediction its outcome is known",
    ]


def _id_line(customer_id: str | None, beside: Mapping[str, str]) -> str:
    if customer_id is None:
        return "# customer_id:  # no column names the customer: each row gets an id of its own"
    return f"customer_id: {_flow(customer_id)}{beside.get(customer_id, '')}"


def _columns(contract: Contract, beside: Mapping[str, str]) -> Iterator[str]:
    yield "columns:  # bounds are wide on purpose: a row outside them is set aside"
    for name, column in contract.columns.items():
        values = column.model_dump(mode="json", exclude_defaults=True)
        whole = {key: int(value) if _is_whole(value) else value for key, value in values.items()}
        yield f"  {_flow(name)}: {_flow(whole)}{beside.get(name, '')}"


def _reasons(key: str, comment: str, reasons: Mapping[str, str]) -> list[str]:
    lines = [f"  {_flow(name)}: {_flow(reason)}" for name, reason in reasons.items()]
    return [f"{key}:  # {comment}", *lines] if lines else []


def _marks(contract: Contract) -> list[str]:
    if contract.missing_marks == MISSING_MARKS:
        return []
    return [f"missing_marks: {_flow(list(contract.missing_marks))}  # texts that stand for no value"]


def _economics(contract: Contract) -> list[str]:
    prefix = "" if contract.economics else "# "
    value = _flow(contract.economics.value_column) if contract.economics else "# the column with revenue per month"
    return [
        f"{prefix}economics:  # the money here is an example: put in your own",
        f"{prefix}  value_column: {value}",
        f"{prefix}  currency: USD",
        f"{prefix}  contact_cost: 1",
        f"{prefix}  offer_cost: 10",
        f"{prefix}  offer_success: {{alpha: 6, beta: 14}}  # 30 % of leavers stay for it",
    ]


def _flow(value: object) -> str:
    """Write a value as YAML on one line."""
    text = _dumped(value, allow_unicode=True)
    return text if text.isprintable() else _dumped(value, default_style='"' if isinstance(value, str) else None)


def _dumped(value: object, **options: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=1_000_000, **options)
    return str(text).removesuffix("\n").removesuffix("\n...")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _is_whole(value: object) -> bool:
    return isinstance(value, float) and value.is_integer()
