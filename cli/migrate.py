"""`churn migrate`: the churn store's tables are those of this version."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console

if TYPE_CHECKING:
    from sqlalchemy import Engine

PAUSE_SECONDS = 1.0

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def migrate(
    wait: Annotated[float, typer.Option(help="Seconds that the database may take to answer.", min=0)] = 0.0,
) -> None:
    """Make the churn store's tables, or bring them to this version's; any number may run at once, and again.

    Whatever opens the store does this too. An installation does it before its services start, so that one looks on.
    """
    from churn.settings import Settings
    from churn.stores.database import open_database, schema_version

    engine = open_database(Settings().database_url)
    _migrate(engine, deadline=time.monotonic() + wait)
    address = engine.url.render_as_string(hide_password=True)
    console.out.print(f"{address} has the tables of revision {schema_version(engine)}", markup=False)
    engine.dispose()


def _migrate(engine: "Engine", *, deadline: float) -> None:
    """Try again and again until the deadline.

    Raises:
        StoreError: the database did not answer in time, or can't be migrated.
    """
    from churn.errors import StoreError
    from churn.stores.database import migrate

    while True:
        try:
            migrate(engine)
        except StoreError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(PAUSE_SECONDS)
        else:
            return
