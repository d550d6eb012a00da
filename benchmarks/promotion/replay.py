"""Measure whether a row's bits depend on its company, what it costs that they don't, and how fast predictions replay.

`python -m benchmarks.promotion.replay` writes the section of benchmarks/RESULTS.md.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import numpy as np

from benchmarks.results import RESULTS, replace_section
from churn.bundle.files import DecisionPolicy
from churn.bundle.making import graph_of
from churn.bundle.session import GraphSession
from churn.contract.contract import Contract
from churn.contract.reading import load_contract
from churn.contract.request import Row
from churn.contract.table import Columns, check_table, check_target
from churn.data.sampler import sample_telco
from churn.features.frame import raw_frame
from churn.features.graph import GraphBuilder
from churn.models.calibration import CalibratedPipeline
from churn.models.candidate import Recipe
from churn.models.candidates import CANDIDATES
from churn.scoring.prediction import Prediction, utc_now
from churn.scoring.replaying import replayed
from churn.scoring.scorer import Scorer
from churn.stores.database import open_migrated
from churn.stores.predictions import PredictionStore

ROWS = 10_000
TRAINED_ON = 7_043
SIZES = (1, 2, 3, 5, 16, 17, 64, 8192)
"""Companies in which the same customers are scored."""

ROUNDS = 10
FEW = 50
Customers = tuple[Contract, Columns, np.ndarray]
"""A contract, graph-ready columns and labels."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to compute the same model.

    Attributes:
        different: share of customers whose bits are others in some company than alone.
        largest: difference of their probabilities.
        one_row: microseconds.
        batch: rows a second.
    """

    different: float
    largest: float
    one_row: float
    batch: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of one candidate.

    Attributes:
        plain: sums and curves as an exporter would write them, rows as they come.
        spaced: the same graph, in the session as it treats bundles without the mark.
        own: as bundles are made now.
        identical: share of recorded predictions that replay in every bit.
        replayed: predictions a second, from the store on.
    """

    candidate: str
    calibration: str
    plain: Way
    spaced: Way
    own: Way
    identical: float
    replayed: float


def measure(candidate: str, *, rows: int = ROWS, trained_on: int = TRAINED_ON, rounds: int = ROUNDS) -> Measured:
    """Fit a candidate at its defaults, and compute it in three ways; in one thread."""
    contract, columns, _ = customers = _customers(trained_on)
    fitted = _fitted(candidate, customers)
    many = {name: np.resize(values, rows) for name, values in columns.items()}
    own = graph_of(candidate, fitted, contract)
    with _plain_graphs():
        plain = graph_of(candidate, fitted, contract)
    marked = plain.SerializeToString()
    del plain.metadata_props[:]
    graphs = (marked, plain.SerializeToString(), own.SerializeToString())
    sessions = [GraphSession(graph, contract) for graph in graphs]
    ways = _ways(sessions, many, rounds)
    identical, pace = _replay(sessions[-1], contract, many)
    return Measured(candidate, fitted.calibrator_.name, ways[0], ways[1], ways[2], identical, pace)


def _customers(rows: int) -> Customers:
    contract = load_contract(Path("contracts/telco.yaml"))
    raw = sample_telco(rows, seed=1)
    return contract, check_table(contract, raw).columns, check_target(contract, raw)[0]


def _fitted(candidate: str, customers: Customers) -> CalibratedPipeline:
    contract, columns, labels = customers
    build = CANDIDATES[candidate]
    return CalibratedPipeline(build.build(Recipe(contract, build.defaults))).fit(raw_frame(columns), labels)


@contextmanager
def _plain_graphs() -> Iterator[None]:
    """Write sums as ReduceSum and curves as they are."""

    def row_sum(graph: GraphBuilder, terms: str, width: int, *, axis: int = 1) -> str:
        del width
        return graph.add("ReduceSum", terms, graph.constant([axis], np.int64), keepdims=1)

    def curved(graph: GraphBuilder, operator: str, number: str) -> str:
        return graph.add(operator, number)

    before = GraphBuilder.row_sum, GraphBuilder.curved
    GraphBuilder.row_sum, GraphBuilder.curved = row_sum, curved
    try:
        yield
    finally:
        GraphBuilder.row_sum, GraphBuilder.curved = before


def _ways(sessions: Sequence[GraphSession], columns: Columns, rounds: int) -> list[Way]:
    """Time the sessions in turns; the processor time of the best round counts, since the machine may be busy."""
    rows = _rows(columns)
    few = rows[:FEW]
    apart = [_apart(session, rows, columns) for session in sessions]
    one_row, batch = np.full(len(sessions), np.inf), np.full(len(sessions), np.inf)
    for _ in range(rounds):
        for place, session in enumerate(sessions):
            one_row[place] = min(one_row[place], _seconds(lambda of=session: [of.score_row(row) for row in few]))
            batch[place] = min(batch[place], _seconds(lambda of=session: of.score(columns)))
    return [
        Way(float((worst > 0).mean()), float(worst.max()), float(one / len(few) * 1e6), float(len(rows) / all_))
        for worst, one, all_ in zip(apart, one_row, batch, strict=True)
    ]


def _apart(session: GraphSession, rows: Sequence[Row], columns: Columns) -> np.ndarray:
    """Return how far each row's probability is in some company from that alone, shape (rows,)."""
    alone = np.array([session.score_row(row) for row in rows])
    worst = np.abs(session.score(columns) - alone)
    for size in SIZES:
        found = [session.score_rows(rows[start : start + size]) for start in range(0, len(rows), size)]
        worst = np.maximum(worst, np.abs(np.concatenate(found) - alone))
    return worst


def _seconds(call: Callable[[], object]) -> float:
    began = process_time()
    call()
    return process_time() - began


def _rows(columns: Columns) -> list[Row]:
    lists = [values.tolist() for values in columns.values()]
    return [dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True)]


def _replay(session: GraphSession, contract: Contract, columns: Columns) -> tuple[float, float]:
    """Record customers that were scored in companies of every size, and replay them out of a store."""
    policy = DecisionPolicy(threshold=0.3, high_risk_from=0.6)
    scorer = Scorer(identity=("churn", 1, ""), contract=contract, policy=policy, graph=session)
    with TemporaryDirectory() as folder:
        engine = open_migrated(f"sqlite:///{folder}/churn.db")
        store, records = PredictionStore(engine), list(_answered(scorer, _rows(columns)))
        store.add(records)
        began = process_time()
        different = {each.prediction_id for page in store.pages("churn", 1) for each in replayed(scorer, page)}
        seconds = process_time() - began
        engine.dispose()
    return 1 - len(different) / len(records), len(records) / seconds


def _answered(scorer: Scorer, rows: Sequence[Row]) -> Iterator[Prediction]:
    start, sizes = 0, np.random.default_rng(0)
    while start < len(rows):
        some = rows[start : start + int(sizes.choice(SIZES[:-1]))]
        for number, (row, probability) in enumerate(zip(some, scorer.score_rows(some), strict=True), start=start):
            decision, standing = scorer.decide(probability), scorer.standings.of_row(row, probability)
            yield Prediction(
                f"p-{number}", f"c-{number}", "churn", 1, "production", "benchmark",
                {name: None if value in ("", None) or value != value else value for name, value in row.items()},  # noqa: PLR0124
                probability, scorer.threshold, decision.churn_prediction, decision.risk_level, utc_now(),
                standing.segment, standing.expected_loss, standing.expected_profit, standing.priority_score,
            )  # fmt: skip
        start += len(some)


def section(found: Sequence[Measured], rows: int) -> str:
    """Return the section of RESULTS.md."""
    companies = ", ".join(f"{size:,}" for size in SIZES)
    head = (
        "## A score does not depend on its company\n\n"
        f"{rows:,} customers, each scored alone and in companies of {companies} (`python -m benchmarks.promotion."
        "replay`), one thread, candidates at their defaults, sampled Telco; processor time, the "
        f"best of {ROUNDS} rounds. *Plain*: sums as ReduceSum, curves as they "
        "are, as bundles were written before; *spaced*: such a bundle in today's session, which spaces its rows out; "
        "*own*: as bundles are written now. *Differ* is the share of customers whose probability has other bits in "
        "some company.\n\n"
        "| candidate | calibration | differ: plain | by up to | differ: spaced | differ: own "
        "| one row: plain → own (spaced) | batch, rows/s: plain → own (spaced) | replayed | identical |\n"
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n"
    )
    return head + "\n".join(map(_line, found))


def _line(one: Measured) -> str:
    plain, spaced, own = one.plain, one.spaced, one.own
    return (
        f"| {one.candidate} | {one.calibration} | {plain.different:.1%} | {plain.largest:.0e} "
        f"| {spaced.different:.1%} | {own.different:.1%} "
        f"| {plain.one_row:.0f} → {own.one_row:.0f} µs ({spaced.one_row:.0f}) "
        f"| {plain.batch:,.0f} → {own.batch:,.0f} ({spaced.batch:,.0f}) "
        f"| {one.replayed:,.0f}/s | {one.identical:.2%} |"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure each candidate, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidate", action="append", default=[])
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--trained-on", type=int, default=TRAINED_ON)
    parser.add_argument("--output", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    found = []
    for candidate in asked.candidate or CANDIDATES:
        found.append(measure(candidate, rows=asked.rows, trained_on=asked.trained_on))
        print(_line(found[-1]), flush=True)
    page = asked.output.read_text("utf-8") if asked.output.exists() else ""
    asked.output.write_text(replace_section(page, "promotion: replay", section(found, asked.rows)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
