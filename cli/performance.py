"""`churn performance`."""

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def performance() -> None:
    """Compare predictions with outcomes; not built yet."""
    raise typer.Exit(2)
