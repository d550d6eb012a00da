"""`churn outcomes`."""

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def outcomes() -> None:
    """Load outcomes; not built yet."""
    raise typer.Exit(2)
