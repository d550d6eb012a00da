"""From a folder to a scorer: nothing is served that was not sealed, loads, and still gives its golden answers."""

import math
from pathlib import Path

from churn.bundle.files import CONTRACT, GOLDEN, MODEL, POLICY, DecisionPolicy, GoldenRows, digest_of, parse, verify
from churn.bundle.session import GraphSession
from churn.contract.reading import parse_contract
from churn.errors import BundleError, ContractError
from churn.scoring.scorer import Scorer

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
    verify(folder, digest=digest)
    try:
        contract = parse_contract((folder / CONTRACT).read_text(encoding="utf-8"), str(folder / CONTRACT))
    except ContractError as error:
        raise BundleError(str(error)) from error
    graph = GraphSession((folder / MODEL).read_bytes(), contract)
    _check_golden_rows(graph, folder)
    policy = parse(DecisionPolicy, (folder / POLICY).read_bytes(), folder / POLICY)
    return Scorer(identity=(name, version, digest_of(folder)), contract=contract, policy=policy, graph=graph)


def _check_golden_rows(graph: GraphSession, folder: Path) -> None:
    golden = parse(GoldenRows, (folder / GOLDEN).read_bytes(), folder / GOLDEN)
    if not golden.rows:
        raise BundleError(f"{folder / GOLDEN} holds no rows")
    for number, expected in enumerate(golden.rows, start=1):
        row = {name: math.nan if value is None else value for name, value in expected.row.items()}
        probability = graph.score_row(row)
        if not abs(probability - expected.probability) <= GOLDEN_TOLERANCE:
            raise BundleError(
                f"golden row {number} of {folder} gives {probability:.8f} instead of {expected.probability:.8f}"
            )
