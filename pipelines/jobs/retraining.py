"""The job `retrain`: a new version from a table in the folder of tables, or from the newest training's own."""

import re
from pathlib import Path

from mlflow.entities import Run

from churn.contract.contract import Contract
from churn.contract.reading import load_contract
from churn.errors import NotFoundError, UsageError
from churn.evaluation.gate import Gate
from churn.stores.job_files import file_within
from churn.stores.orders import RetrainOrder
from pipelines.jobs.activation import outcome_of, words_of
from pipelines.jobs.task import Ending, Task
from pipelines.moves import Order
from pipelines.newest import contract_of, table_of
from pipelines.parameters import read_parameters
from pipelines.promote import promote
from pipelines.ring import Made, facts_of, make_version
from pipelines.settings import PipelineSettings
from pipelines.tracking import find_training, open_tracking
from pipelines.training import TrainParameters

OURS = {"data", "contract", "activate"}
STEPS = {
    "ingest": 0.02,
    "train": 0.05,
    "audit": 0.06,
    "money": 0.75,
    "writing": 0.85,
    "evaluate": 0.92,
    "register": 0.96,
}
"""Share of a training's time that has passed when a step begins, by the first word that it says; roughly."""

SEARCH = (0.1, 0.6)
COUNTED = re.compile(r"(\d+) of (\d+)")


def do_retrain(task: Task) -> Ending:
    """Train, evaluate and register; and promote, when that was asked for too."""
    order = RetrainOrder.model_validate(task.job.parameters)
    overrides = order.model_dump(exclude=OURS, exclude_none=True)
    read_parameters("train", TrainParameters, **overrides)  # what can't work should fail before the work
    open_tracking(task.settings)
    contract, data = _source(order, task.settings)
    made = make_version(
        contract, str(data), overrides=overrides, settings=task.settings, say=lambda words: _tell(task, words)
    )
    ending = Ending(f"version {made.registered.version} is registered", facts_of(made))
    return _promoted(task, made, ending) if order.activate else ending


def _promoted(task: Task, made: Made, ending: Ending) -> Ending:
    task.teller.tell(f"judging version {made.registered.version}", 0.98)
    wanted = Order(task.job.actor, f"retraining {task.job.job_id}")
    task.teller.commit()
    moved = promote(made.registered.version, wanted, read_parameters("gate", Gate), settings=task.settings)
    return Ending(words_of(moved), {**ending.result, "activation": outcome_of(moved)})


def _tell(task: Task, words: str) -> None:
    task.teller.tell(words, _progress(words))


def _progress(words: str) -> float | None:
    """Read the progress off what a stage says."""
    if counted := COUNTED.search(words):
        done, total = map(int, counted.groups())
        return SEARCH[0] + (SEARCH[1] - SEARCH[0]) * min(1.0, done / max(total, 1))
    return STEPS.get(re.split(r"\W", words, maxsplit=1)[0])


def _source(order: RetrainOrder, settings: PipelineSettings) -> tuple[Contract, Path]:
    """Return the contract and the table: those that the order names, else those of the newest training.

    Raises:
        UsageError: one is named and not there, or none is named and nothing was trained yet.
    """
    named = {name: file_within(settings.table_folder, name) for name in (order.data, order.contract) if name}
    newest = None if order.data and order.contract else _newest(settings)
    contract = load_contract(named[order.contract]) if order.contract else contract_of(_needed(newest))
    return contract, named[order.data] if order.data else table_of(_needed(newest))


def _newest(settings: PipelineSettings) -> Run:
    try:
        return find_training(settings, None)
    except NotFoundError as error:
        raise UsageError(
            f"nothing was trained yet: name both a table and a contract in {settings.table_folder}"
        ) from error


def _needed(run: Run | None) -> Run:
    assert run is not None  # noqa: S101  it was looked for when a table or a contract was not named
    return run
