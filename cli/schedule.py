"""`churn schedule`."""

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def schedule() -> None:
    """Run stages at their times; not built yet."""
    raise typer.Exit(2)
