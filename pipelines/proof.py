"""The proof of a bundle, in a process of its own: `python -m pipelines.proof`, asked on standard input.

Whatever a bundle does to the libraries that load it, it does here, and not to the process that moves aliases.
"""

import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

if TYPE_CHECKING:
    import numpy as np

    from churn.scoring.scorer import Scorer

LARGEST_SAMPLE = 1000


class Limits(BaseModel, frozen=True):
    """What the process may use."""

    memory_bytes: int = 4 << 30
    """Address space; a graph of some megabytes and its libraries take about one GiB of it."""

    cpu_seconds: int = 60
    file_bytes: int = 1 << 20
    """It has nothing to write."""


class Claim(BaseModel, frozen=True):
    """What a bundle is said to be."""

    folder: Path
    name: str
    version: int
    digest: str
    limits: Limits = Limits()


class Proof(BaseModel, frozen=True):
    """What came of it; a `problem` means that nothing of the bundle may be used."""

    problem: str = ""
    rows: int = 0
    """Rows of the reference sample that gave a probability."""


def main() -> None:
    """Answer one claim with one proof, in JSON."""
    claim = Claim.model_validate_json(sys.stdin.read())
    _limit(claim.limits)
    sys.stdout.write(_examined(claim).model_dump_json())


def _limit(limits: Limits) -> None:
    for kind, most in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))


def _examined(claim: Claim) -> Proof:
    from churn.errors import ChurnError  # noqa: PLC0415  after the limits: what is imported counts too
    from churn.scoring.loading import load_scorer  # noqa: PLC0415

    try:
        scorer = load_scorer(claim.folder, name=claim.name, version=claim.version, digest=claim.digest)
        return _scored(scorer, claim.folder)
    except ChurnError as error:
        return Proof(problem=str(error))
    except Exception as error:  # noqa: BLE001  the edge of this process: whatever it was, the bundle is not proven
        return Proof(problem=f"{type(error).__name__}: {error}"[:600])


def _scored(scorer: "Scorer", folder: Path) -> Proof:
    """Score the bundle's own sample of customers: every one must get a probability."""
    import numpy as np  # noqa: PLC0415  as above

    probabilities = scorer.score_columns(_sample(scorer, folder))
    is_probability = np.isfinite(probabilities) & (probabilities >= 0) & (probabilities <= 1)
    if not is_probability.all():
        row = int(np.argmin(is_probability))
        return Proof(
            problem=f"row {row + 1} of the reference sample gives {probabilities[row]}, which is no probability"
        )
    return Proof(rows=len(probabilities))


def _sample(scorer: "Scorer", folder: Path) -> "dict[str, np.ndarray]":
    import numpy as np  # noqa: PLC0415  as above
    from pyarrow import parquet  # noqa: PLC0415

    from churn.bundle.files import REFERENCE  # noqa: PLC0415

    table = parquet.read_table(folder / REFERENCE, columns=list(scorer.contract.columns), use_threads=False)
    texts = set(scorer.contract.category_columns)
    return {
        name: np.array([value or "" for value in column.to_pylist()], dtype=object)
        if name in texts
        else column.to_numpy().astype(np.float32)
        for name, column in zip(table.column_names, table.slice(0, LARGEST_SAMPLE).columns, strict=True)
    }


if __name__ == "__main__":
    main()
