"""`churn simulate`."""

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def simulate() -> None:
    """Make customers with a known truth; not built yet."""
    raise typer.Exit(2)
