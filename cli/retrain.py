"""`churn retrain`."""

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def retrain() -> None:
    """Decide whether to train anew; not built yet."""
    raise typer.Exit(2)
