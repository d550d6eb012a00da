"""One table, measured: the leakage audit first; then, when it passed, everybody on the same outer folds."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

import numpy as np

from benchmarks.science.contestants import OfFold, all_plain, alone, timed
from benchmarks.science.tables import Table
from churn.evaluation.audit import Audit
from churn.evaluation.folds import Fold
from churn.features.frame import raw_frame
from pipelines.audit import audit_customers
from pipelines.ingest import Customers, ingest
from pipelines.nested import Nested, nested_scores, outer_folds
from pipelines.processes import in_processes
from pipelines.settings import PipelineSettings
from pipelines.tracking import Say
from pipelines.training import TrainParameters

CHOSEN, OURS = "**Holdfast, what it chose**", "Holdfast, {}"


@dataclass(frozen=True, slots=True)
class Contender:
    """Somebody's scores on the outer folds, shape (repeats, rows), and the seconds that one fold takes on one core."""

    name: str
    scores: np.ndarray
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found about a table.

    Attributes:
        contenders: empty when the audit did not pass.
        chosen: the candidate that each outer fold chose.
    """

    table: Table
    customers: Customers
    audit: Audit
    contenders: tuple[Contender, ...] = ()
    chosen: tuple[str, ...] = ()
    folds: Sequence[Sequence[Fold]] = ()

    def contender(self, name: str) -> Contender | None:
        return next((one for one in self.contenders if one.name == name), None)


def measure(table: Table, parameters: TrainParameters, settings: PipelineSettings, say: Say) -> Measured:
    """Audit a table; score it only when the audit passed."""
    say(f"{table.title}: ingest and audit")
    customers = ingest(table.data, table.contract, settings).customers
    audit = audit_customers(customers, table.contract, folds=parameters.folds, seed=parameters.seed)
    if not audit.passed:
        say(f"{table.title}: refused, {len(audit.refusals)} findings; nothing is scored")
        return Measured(table, customers, audit)
    folds = outer_folds(customers, parameters)
    nested = nested_scores(customers, table.contract, parameters, say=say)
    say(f"{table.title}: what a user would pick instead")
    plain = plain_in_folds(table, customers, folds, parameters.processes)
    contenders = (*_ours(nested), *_pooled(plain, folds, nested.scores.shape))
    return Measured(table, customers, audit, contenders, tuple(nested.chosen), folds)


def _ours(nested: Nested) -> list[Contender]:
    """What was chosen, and the finalists that every fold has; all come out of one development."""
    found = {name: scores for name, scores in nested.of_finalists.items() if _is_whole(scores, nested.scores)}
    ordered = sorted(found, key=lambda name: (name != "stack", name == "dummy", name))
    of_each = [Contender(OURS.format(name), found[name], None) for name in ordered]
    return [Contender(CHOSEN, nested.scores, mean(nested.seconds)), *of_each]


def _is_whole(scores: np.ndarray, chosen: np.ndarray) -> bool:
    return bool((np.isnan(scores) == np.isnan(chosen)).all())


def plain_in_folds(
    table: Table, customers: Customers, folds: Sequence[Sequence[Fold]], processes: int
) -> list[dict[str, OfFold]]:
    """Fit all contestants once in every fold of every repeat, in that order."""
    tasks = [(customers, fold, table.alone) for repeat in folds for fold in repeat]
    found = dict(in_processes(plain_of, tasks, processes))
    return [found[number] for number in range(len(tasks))]


def plain_of(customers: Customers, fold: Fold, column: str) -> dict[str, OfFold]:
    """Fit all contestants once; the column alone is one of them, when it has a name."""
    train, test = (raw_frame(customers.only(rows).columns) for rows in fold)
    labels = customers.labels[fold[0]]
    by_column = {f"{column} alone": timed(alone(column), train, labels, test)} if column else {}
    return {**by_column, **all_plain(train, labels, test)}


def _pooled(plain: list[dict[str, OfFold]], folds: Sequence[Sequence[Fold]], shape: tuple[int, ...]) -> list[Contender]:
    places = [(repeat, tested) for repeat, cut in enumerate(folds) for _, tested in cut]
    pooled = {name: np.full(shape, np.nan) for name in plain[0]}
    for (repeat, rows), found in zip(places, plain, strict=True):
        for name, one in found.items():
            pooled[name][repeat, rows] = one.scores
    return [Contender(name, scores, mean(one[name].seconds for one in plain)) for name, scores in pooled.items()]
