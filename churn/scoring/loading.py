"""From a folder to a scorer: nothing is served that was not sealed, loads, and still gives its golden answers."""

import math
from pathlib import Path

import numpy as np

from churn.bundle.additivity import MAX_DIFFERENCE, additivity_gap
from churn.bundle.explanation_session import ExplanationSession
from churn.bundle.files import (
    CONTRACT,
    EXPLANATION,
    GOLDEN,
    MODEL,
    MONTHS,
    POLICY,
    PRIORITY,
    SEGMENTS,
    DecisionPolicy,
    GoldenRows,
    Kind,
    digest_of,
    parse,
    verify,
)
from churn.bundle.session import GraphSession
from churn.contract.contract import Contract
from churn.contract.reading import parse_contract
from churn.contract.request import Row
from churn.errors import BundleError, ContractError
from churn.retention.months import MonthsModel
from churn.retention.priority import PriorityScale
from churn.scoring.explanation import Explainer
from churn.scoring.scorer import Extras, Scorer
from churn.segments.assignment import SegmentBook

GOLDEN_TOLERANCE = 1e-6
"""Another processor may round float32 sums differently, by about 1e-7."""


def load_scorer(folder: Path, *, name: str, version: int, digest: str | None = None) -> Scorer:
    """Verify a bundle, load its graph and check its golden rows (which also warms it up).

    Args:
        folder: the bundle.
        name: registered model name, for answers and records.
        version: registered version number.
        digest: when given, the manifest must have this sha256.

    Raises:
        BundleError: anything does not hold; nothing of the bundle is used then.
    """
    listed = verify(folder, digest=digest).sha256
    contract = _contract(folder / CONTRACT)
    graph = GraphSession((folder / MODEL).read_bytes(), contract)
    checked = _checked_rows(graph, folder)
    extras = Extras(
        explainer=_explainer(folder, contract, checked) if EXPLANATION in listed else None,
        segments=_read(SegmentBook, folder / SEGMENTS) if SEGMENTS in listed else None,
        months=_read(MonthsModel, folder / MONTHS) if MONTHS in listed else None,
        priority=_read(PriorityScale, folder / PRIORITY) if PRIORITY in listed else None,
    )
    policy = _read(DecisionPolicy, folder / POLICY)
    identity = (name, version, digest_of(folder))
    return Scorer(identity=identity, contract=contract, policy=policy, graph=graph, extras=extras)


def _contract(path: Path) -> Contract:
    try:
        return parse_contract(path.read_text(encoding="utf-8"), str(path))
    except ContractError as error:
        raise BundleError(str(error)) from error
    except (UnicodeDecodeError, RecursionError) as error:  # sealed by somebody who means harm
        raise BundleError(f"{path} is no contract: {type(error).__name__}") from error


def _read(kind: type[Kind], path: Path) -> Kind:
    return parse(kind, path.read_bytes(), path)


def _checked_rows(graph: GraphSession, folder: Path) -> list[tuple[Row, float]]:
    """Return the golden rows with their probabilities as they come out here."""
    golden = _read(GoldenRows, folder / GOLDEN)
    if not golden.rows:
        raise BundleError(f"{folder / GOLDEN} holds no rows")
    found = []
    for number, expected in enumerate(golden.rows, start=1):
        row: Row = {name: math.nan if value is None else value for name, value in expected.row.items()}
        probability = graph.score_row(row)
        if not abs(probability - expected.probability) <= GOLDEN_TOLERANCE:
            raise BundleError(
                f"golden row {number} of {folder} gives {probability:.8f} instead of {expected.probability:.8f}"
            )
        found.append((row, probability))
    return found


def _explainer(folder: Path, contract: Contract, checked: list[tuple[Row, float]]) -> Explainer:
    """Load the graph of reasons; they must add up here too, with as much again for another processor's rounding."""
    session = ExplanationSession((folder / EXPLANATION).read_bytes(), contract)
    contributions = np.array([session.explain_row(row) for row, _ in checked])
    gap = additivity_gap(contributions, np.array([probability for _, probability in checked]))
    if not np.all(gap <= 2 * MAX_DIFFERENCE):
        raise BundleError(f"the explanations of {folder} are {gap.max():.2e} off their probabilities in log-odds")
    return Explainer(session, contract)
