"""A draft of a contract's `columns:` for the features that its proxy makes."""

import yaml

from churn.contract.proxy import Inactivity

COUNTS = ("recency_days", "tenure_days", "active_days")


def draft_columns(proxy: Inactivity) -> str:
    """Write the columns as YAML, one line each; values may be negative (returns), so they have no minimum."""
    lines = [f"  {name}: {_flow(_column(name))}" for name in proxy.feature_names]
    return "columns:\n" + "\n".join(lines) + "\n"


def _column(name: str) -> dict[str, str | int]:
    unit = {"unit": "days"} if name.endswith("_days") else {}
    if name in COUNTS or name.startswith("events_"):
        return {"type": "integer", **unit, "minimum": 0}
    is_time = name in {"mean_gap_days", "last_gap_days", "recency_to_gap"}
    return {"type": "number", **unit, **({"minimum": 0} if is_time else {})}


def _flow(column: dict[str, str | int]) -> str:
    return yaml.safe_dump(column, default_flow_style=True, sort_keys=False, width=200).strip()
