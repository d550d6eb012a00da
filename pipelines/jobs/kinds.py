"""The table of kinds: a new kind of job is one module and one line here."""

from collections.abc import Callable

from churn.stores.orders import Kind
from pipelines.jobs.activation import do_activate
from pipelines.jobs.retraining import do_retrain
from pipelines.jobs.scoring import do_score
from pipelines.jobs.task import Ending, Task

KINDS: dict[Kind, Callable[[Task], Ending]] = {"retrain": do_retrain, "activate": do_activate, "score": do_score}
