"""The model card: what a version is for, how good it is, and where it must not be trusted."""

from collections.abc import Iterator, Mapping

from churn.bundle.files import DecisionPolicy
from churn.contract.contract import Contract

SHOWN = {
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "brier": "Brier score",
    "calibration_slope": "calibration slope",
    "lift_at_10_percent": "lift among the riskiest 10 %",
    "recall": "leavers found at the threshold (recall)",
    "precision": "calls that are right at the threshold (precision)",
    "at_risk": "customers at risk at the threshold",
}


def write_card(
    contract: Contract, candidate: str, policy: DecisionPolicy, *, metrics: Mapping[str, float], rows: int
) -> str:
    """Return the card as Markdown; it travels in the bundle and is the version's description."""
    return "\n".join(_lines(contract, candidate, policy, (metrics, rows))) + "\n"


def _lines(
    contract: Contract, candidate: str, policy: DecisionPolicy, found: tuple[Mapping[str, float], int]
) -> Iterator[str]:
    metrics, rows = found
    yield f"# Who leaves: {contract.name} ({candidate})\n"
    yield f"{contract.description or contract.name}.\n"
    yield "**For:** ranking customers by the probability that they leave, to decide whom to contact."
    yield "**Not for:** decisions about prices, credit or service quality of a single person.\n"
    yield f"Trained on {rows:,} customers; probabilities are calibrated. Scores are cross-validated on those rows.\n"
    yield "| measure | value | 95 % interval |"
    yield "|---|--:|---|"
    for name, words in SHOWN.items():
        yield f"| {words} | {metrics[name]:.3f} | {_interval(name, metrics)} |"
    yield f"\nA customer counts as at risk from {policy.threshold:.2f}, as high risk from {policy.high_risk_from:.2f}."
    protected = [name for name, column in contract.columns.items() if column.protected]
    yield f"Protected columns among the inputs: {', '.join(protected) or 'none'}."


def _interval(name: str, metrics: Mapping[str, float]) -> str:
    return f"{metrics[f'{name}_low']:.3f} – {metrics[f'{name}_high']:.3f}" if f"{name}_low" in metrics else ""
