"""The contract of a retraining's table: one customer may have several rows, and some know when they were predicted."""

from churn.contract.contract import Contract
from churn.errors import UsageError

CUSTOMER = "holdfast_customer"
"""Column of ours that says whose row it is, unless the contract names one: rows of live customers have ids of their
predictions."""

PREDICTED_AT = "holdfast_predicted_at"
"""Column of ours: when a live customer was predicted; "" for the rows of the table that the company brought."""

WHY = "when this live customer was predicted; put here by `churn retrain`"


def with_live_rows(contract: Contract) -> Contract:
    """Return the contract of a table that live customers were added to; as it is, when it is one already.

    Raises:
        UsageError: the contract names no customers: their outcomes can't be told apart.
    """
    if contract.customer_id is None:
        raise UsageError(
            f"the contract {contract.name} names no customer_id, so its outcomes can't be added to its table: give a "
            "table with --data"
        )
    validation = {
        "validation": {**contract.validation.model_dump(mode="json"), "group": contract.validation.group or CUSTOMER}
    }
    return _changed(contract, {**validation, "ignored": {**contract.ignored, PREDICTED_AT: WHY}})


def without_live_rows(contract: Contract) -> Contract:
    """Return the contract of the company's own tables."""
    ignored = {name: why for name, why in contract.ignored.items() if name != PREDICTED_AT}
    group = None if contract.validation.group == CUSTOMER else contract.validation.group
    return _changed(
        contract, {"validation": {**contract.validation.model_dump(mode="json"), "group": group}, "ignored": ignored}
    )


def _changed(contract: Contract, parts: dict[str, object]) -> Contract:
    return Contract.model_validate({**contract.model_dump(mode="json", exclude_defaults=True), **parts})
