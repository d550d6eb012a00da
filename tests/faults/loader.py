"""Loads bundles whose folders it is told: a process of its own, so that a graph that kills its reader is seen."""

import sys
from pathlib import Path

from churn.bundle.files import digest_of
from churn.errors import BundleError
from churn.scoring.loading import load_scorer


def main() -> None:
    """Read `folder` or `folder digest` from standard input, one a line; answer with loaded, refused or the fault."""
    for line in sys.stdin:
        folder, _, digest = line.strip().partition(" ")
        print(outcome(Path(folder), digest), flush=True)  # noqa: T201  that is how it answers


def outcome(folder: Path, digest: str) -> str:
    """Load one bundle; an unknown digest is the folder's own."""
    try:
        load_scorer(folder, name="hostile", version=1, digest=digest or digest_of(folder))
    except BundleError as error:
        return f"refused: {' '.join(str(error).split())[:150]}"
    except Exception as error:  # noqa: BLE001  that is what is looked for
        return f"fault: {type(error).__name__}: {' '.join(str(error).split())[:150]}"
    return "loaded"


if __name__ == "__main__":
    main()
