"""Development: from customers to one chosen, calibrated model. Training does it once, nested evaluation in each fold.

Steps: search every candidate's parameters; fit and calibrate each candidate's best out of fold; add the stack of the
best and the dummy; choose by technical floor, then profit, then simplicity and speed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from churn.bundle.making import graph_of, with_hard_rows
from churn.bundle.parity import prove_parity
from churn.bundle.session import GraphSession
from churn.contract.contract import Contract
from churn.contract.table import Columns
from churn.errors import BundleError
from churn.evaluation.finalists import Finalist as Contender
from churn.evaluation.folds import Fold, make_folds
from churn.evaluation.intervals import Estimate, estimate
from churn.evaluation.scored import Scored
from churn.evaluation.selection import Choice, choose
from churn.evaluation.threshold import choose_threshold
from churn.features.frame import raw_frame
from churn.models.calibration import CalibratedPipeline
from churn.models.candidate import Candidate, Parameters, Recipe
from churn.models.candidates import CANDIDATES
from churn.models.stack import stack_parameters
from churn.models.stacking import stack_fitted
from churn.retention.profit import realised_profit
from pipelines.ingest import Customers
from pipelines.processes import in_processes
from pipelines.search import Search, Searched
from pipelines.tracking import Say
from pipelines.training import TrainParameters

BASELINE, STACK = "dummy", "stack"
STACKED = 4
"""How many of the best candidates the stack is made of."""

TIMED_CALLS = 200
PROVEN_ROWS = 500


@dataclass(frozen=True, slots=True)
class Finalist:
    """A candidate with the best parameters found, fitted on all training rows and scored out of fold.

    Attributes:
        estimates: measures of the out-of-fold scores, with intervals.
        gain: what a campaign at its own threshold would have earned with each scored customer; without economics, minus
            the squared error of the probability.
        squared_error: of the out-of-fold probabilities of the scored customers.
        milliseconds: to score one row with its graph.
        problems: why it can't be served; empty for most.
    """

    candidate: Candidate
    parameters: Parameters
    fitted: CalibratedPipeline
    threshold: float
    threshold_words: str
    estimates: dict[str, Estimate]
    gain: np.ndarray
    squared_error: np.ndarray
    milliseconds: float
    problems: tuple[str, ...]

    @property
    def is_scored(self) -> np.ndarray:
        """Which customers have an out-of-fold score: a mask of shape (rows,)."""
        return np.asarray(~np.isnan(self.fitted.out_of_fold_))


@dataclass(frozen=True, slots=True)
class Developed:
    """What came out of one development."""

    searched: list[Searched]
    finalists: dict[str, Finalist]
    choice: Choice

    @property
    def best(self) -> Finalist:
        """The finalist that was chosen."""
        return self.finalists[self.choice.name]


@dataclass(frozen=True, slots=True)
class Development:
    """One development: customers, and how to go about it.

    Attributes:
        study: name of the Optuna study; the same name goes on with the same trials.
        storage: SQLAlchemy address of the studies.
        is_tracked: whether trials are shown in MLflow.
    """

    customers: Customers
    contract: Contract
    parameters: TrainParameters
    study: str
    storage: str
    say: Say
    is_tracked: bool = True

    def run(self) -> Developed:
        """Search, fit the finalists, and choose."""
        searched = self._search()
        found = {one.candidate.name: one.parameters for one in searched}
        finalists = self._fit_all({BASELINE: CANDIDATES[BASELINE].defaults, **found})
        if STACK in self.parameters.candidates and len(found) > 1:
            finalists[STACK] = self._stack(self._best(found, finalists), finalists)
        return Developed(searched, finalists, self._choose(finalists))

    def _search(self) -> list[Searched]:
        parameters = self.parameters
        names = [name for name in parameters.candidates if name not in {BASELINE, STACK}]
        search = Search(
            name=self.study,
            storage=self.storage,
            contract=self.contract,
            candidates={name: CANDIDATES[name] for name in names},
            trials=parameters.trials,
            timeout_minutes=parameters.timeout_minutes,
            workers=parameters.processes,
            seed=parameters.seed,
            is_tracked=self.is_tracked,
        )
        splits = self.folds(parameters.search_folds)
        return search.run(raw_frame(self.customers.columns), self.customers.labels, splits, self.say)

    def folds(self, folds: int) -> list[Fold]:
        """Cut the customers once, as the contract's `validation` says."""
        customers = self.customers
        cut = make_folds(
            customers.labels,
            folds=folds,
            seed=self.parameters.seed,
            groups=customers.groups,
            times=customers.times,
        )
        return cut[0]

    def _fit_all(self, wanted: dict[str, Parameters]) -> dict[str, Finalist]:
        """Fit in parallel processes, one core each."""
        self.say(f"fitting and calibrating {', '.join(wanted)}, {self.parameters.folds} folds")
        splits = self.folds(self.parameters.folds)
        tasks = [
            (name, Recipe(self.contract, values, self.parameters.seed), self.customers, splits)
            for name, values in wanted.items()
        ]
        fitted = dict(in_processes(_fit, tasks, self.parameters.processes))
        return {
            name: finalist_of(CANDIDATES[name], values, fitted[number], (self.contract, self.customers))
            for number, (name, values) in enumerate(wanted.items())
        }

    def _stack(self, members: dict[str, Parameters], finalists: dict[str, Finalist]) -> Finalist:
        """Nothing is fitted again: the members are there, on all rows and out of fold."""
        self.say(f"stacking {', '.join(members)}")
        parameters = stack_parameters(members)
        fitted = stack_fitted(
            CANDIDATES[STACK].build(Recipe(self.contract, parameters, self.parameters.seed)),
            {name: finalists[name].fitted for name in members},
            self.customers.labels,
            self.folds(self.parameters.folds),
        )
        return finalist_of(CANDIDATES[STACK], parameters, fitted, (self.contract, self.customers))

    def _best(self, found: dict[str, Parameters], finalists: dict[str, Finalist]) -> dict[str, Parameters]:
        ranked = sorted(found, key=lambda name: -finalists[name].estimates["roc_auc"].value)
        return {name: found[name] for name in ranked[:STACKED]}

    def _choose(self, finalists: dict[str, Finalist]) -> Choice:
        contenders = [
            Contender(
                name=name,
                roc_auc=one.estimates["roc_auc"],
                calibration_slope=one.estimates["calibration_slope"].value,
                gain=one.gain,
                squared_error=one.squared_error,
                milliseconds=one.milliseconds,
                interpretability=one.candidate.interpretability,
                problems=one.problems,
            )
            for name, one in finalists.items()
            if name != BASELINE
        ]
        economics, groups = self.contract.economics, self.customers.groups
        return choose(
            contenders,
            currency=economics.currency if economics else None,
            groups=None if groups is None else groups[next(iter(finalists.values())).is_scored],
            seed=self.parameters.seed,
        )


def finalist_of(
    candidate: Candidate, parameters: Parameters, fitted: CalibratedPipeline, on: tuple[Contract, Customers]
) -> Finalist:
    """Measure a fitted candidate on its out-of-fold scores, and its graph by the clock."""
    contract, customers = on
    is_scored = ~np.isnan(fitted.out_of_fold_)
    scored, scores = customers.only(is_scored), fitted.out_of_fold_[is_scored]
    threshold, words, gain = _decide(contract, scored, scores)
    milliseconds, problems = _as_graph(candidate, fitted, contract, customers.columns)
    return Finalist(
        candidate=candidate,
        parameters=parameters,
        fitted=fitted,
        threshold=threshold,
        threshold_words=words,
        estimates=estimate(scored.labels, scores, threshold=threshold, groups=scored.groups),
        gain=gain,
        squared_error=(scored.labels - scores) ** 2,
        milliseconds=milliseconds,
        problems=problems,
    )


def _decide(contract: Contract, customers: Customers, scores: np.ndarray) -> tuple[float, str, np.ndarray]:
    """Choose the finalist's threshold, and say what a campaign at it would have gained with each customer."""
    values = np.zeros(len(scores)) if customers.values is None else customers.values
    scored = Scored(customers.labels, scores, values, customers.groups)
    threshold, words = choose_threshold(contract.policy, contract.economics, scored)
    if contract.economics is None:
        return threshold, words, -((customers.labels - scores) ** 2)
    return threshold, words, realised_profit(customers.labels, scores >= threshold, values, contract.economics)


def _as_graph(
    candidate: Candidate, fitted: CalibratedPipeline, contract: Contract, columns: Columns
) -> tuple[float, tuple[str, ...]]:
    """Return the milliseconds that one row takes, and what is wrong with the graph."""
    try:
        graph = GraphSession(graph_of(candidate.name, fitted, contract).SerializeToString(), contract)
        hard = with_hard_rows(contract, {name: values[:PROVEN_ROWS] for name, values in columns.items()})
        prove_parity(graph.score(hard), fitted.predict_proba(raw_frame(hard))[:, 1])
    except BundleError as error:
        return float("inf"), (str(error),)
    row = {name: values[0] for name, values in columns.items()}
    return _milliseconds(lambda: graph.score_row(row)), ()


def _milliseconds(call: Callable[[], object]) -> float:
    """Return the median of some calls."""
    seconds = []
    for _ in range(TIMED_CALLS):
        started = perf_counter()
        call()
        seconds.append(perf_counter() - started)
    return float(np.median(seconds)) * 1000


def _fit(name: str, recipe: Recipe, customers: Customers, splits: Sequence[Fold]) -> CalibratedPipeline:
    fitted = CalibratedPipeline(CANDIDATES[name].build(recipe), seed=recipe.seed)
    return fitted.fit(raw_frame(customers.columns), customers.labels, splits=splits)
