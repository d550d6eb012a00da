"""`churn evaluate`: score the held-out customers."""

import typer

from cli import console
from cli.options import RunOption, run_id_of

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def evaluate(run: RunOption = "newest") -> None:
    """Score the customers that training never saw with the bundle itself."""
    from pipelines.evaluate import evaluate as judge
    from pipelines.settings import PipelineSettings
    from pipelines.tracking import open_tracking

    settings = PipelineSettings()
    open_tracking(settings)
    found = judge(run_id_of(run), settings=settings)
    scores = found.metrics
    console.out.print(
        f"{found.rows:,} held-out customers: ROC-AUC {scores['roc_auc']:.4f} "
        f"({scores['roc_auc_low']:.4f} – {scores['roc_auc_high']:.4f}), Brier {scores['brier']:.4f}, "
        f"recall {scores['recall']:.2f} at precision {scores['precision']:.2f}\n"
        f"next: churn register --run {found.run_id}",
        markup=False,
    )
