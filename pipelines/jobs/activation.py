"""The job `activate`: put a version in production, if the gate agrees or somebody answers for overriding it."""

from churn.evaluation.gate import Gate
from churn.stores.orders import ActivateOrder
from pipelines.jobs.task import Ending, Task
from pipelines.moves import Order
from pipelines.parameters import read_parameters
from pipelines.promote import Promoted, activate
from pipelines.tracking import open_tracking


def do_activate(task: Task) -> Ending:
    """Move the alias `production`, or say why not: that the gate holds or refuses is an answer, not a failure."""
    order = ActivateOrder.model_validate(task.job.parameters)
    task.teller.tell(f"judging version {order.version}", 0.1)
    open_tracking(task.settings)
    wanted = Order(task.job.actor, order.reason, order.override)
    task.teller.commit()
    moved = activate(order.version, wanted, read_parameters("gate", Gate), settings=task.settings)
    return Ending(words_of(moved), outcome_of(moved))


def outcome_of(moved: Promoted) -> dict[str, object]:
    """Return what came of a promotion or rollback as JSON values."""
    return {
        "outcome": "activated" if moved.has_moved else moved.outcome,
        "decision": moved.verdict.decision,
        "version": moved.version,
        "version_before": moved.before,
        "reasons": list(moved.verdict.reasons),
        "metrics": dict(moved.metrics),
    }


def words_of(moved: Promoted) -> str:
    """Return the same in words."""
    reasons = "; ".join(moved.verdict.reasons)
    if not moved.has_moved:
        return f"version {moved.version} was {moved.outcome}: {reasons}"
    return f"version {moved.version} is in production" + (f", overriding: {reasons}" if reasons else "")
