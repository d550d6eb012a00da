"""Explanations over many customers, as pictures and tables of a run.

Reads:  a bundle with explanations, and graph-ready columns.
Writes: `explanations/` in the active MLflow run: importance, beeswarm, dependence and interactions as pictures; the
        numbers behind them as tables.
"""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from churn.contract.table import Columns
from churn.scoring.loading import load_scorer

if TYPE_CHECKING:
    import pandas as pd

    from churn.evaluation.explanations import Reasons

FOLDER = "explanations"
MOST_ROWS = 5_000


def log_explanations(bundle: Path, columns: Columns) -> bool:
    """Log what a bundle's reasons say over a table; at most 5,000 of its rows, drawn with a fixed seed.

    Args:
        bundle: a sealed folder.
        columns: graph-ready columns of its contract, best of customers that the model never saw.

    Returns:
        False when the bundle has no explanations, and nothing was logged.
    """
    import mlflow  # noqa: PLC0415  the command line must not wait for it

    from churn.evaluation.explanation_plots import explanation_plots  # noqa: PLC0415  matplotlib, too

    reasons = reasons_of(bundle, columns)
    if reasons is None:
        return False
    for name, figure in explanation_plots(reasons).items():
        mlflow.log_figure(figure, f"{FOLDER}/{name}.png")
    with TemporaryDirectory() as scratch:
        for name, table in tables_of(reasons).items():
            table.to_csv(Path(scratch) / f"{name}.csv", index=False)
        mlflow.log_artifacts(scratch, FOLDER)
    return True


def reasons_of(bundle: Path, columns: Columns) -> "Reasons | None":
    """Explain a sample of a table's rows with a bundle; None when it has no explanations."""
    from churn.evaluation.explanations import Reasons  # noqa: PLC0415  as above

    scorer = load_scorer(bundle, name="explained", version=0)
    if scorer.explainer is None:
        return None
    rows = len(next(iter(columns.values())))
    chosen = np.sort(np.random.default_rng(0).permutation(rows)[:MOST_ROWS])
    sample = {name: columns[name][chosen] for name in scorer.contract.columns}
    found = scorer.explainer.contributions(sample).astype(np.float64)
    return Reasons(sample, found[:, :-1], base=float(found[0, -1]))


def tables_of(reasons: "Reasons") -> Mapping[str, "pd.DataFrame"]:
    """Return the numbers behind the pictures: table per name."""
    import pandas as pd  # noqa: PLC0415  as above

    from churn.evaluation.explanations import importance, interactions  # noqa: PLC0415  as above

    names, ranked = np.array(reasons.names, dtype=object), reasons.ranked()
    strengths = interactions(reasons)
    one, other = np.triu_indices(len(names), 1)
    pairs = pd.DataFrame({"column": names[one], "with": names[other], "log_odds": strengths[one, other]})
    signed = reasons.contributions
    columns = pd.DataFrame(
        {
            "column": names,
            "mean_size": importance(signed),
            "lowest": signed.min(axis=0),
            "mean": signed.mean(axis=0),
            "highest": signed.max(axis=0),
        }
    )
    return {
        "importance": columns.iloc[ranked].reset_index(drop=True),
        "interactions": pairs.sort_values("log_odds", ascending=False, kind="stable", ignore_index=True),
        "contributions": pd.DataFrame(signed, columns=list(names)).assign(base=reasons.base),
        "values": pd.DataFrame({name: pd.Series(values) for name, values in reasons.columns.items()}),
    }
