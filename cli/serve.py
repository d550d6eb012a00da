"""`churn serve`: open a door."""

from enum import StrEnum
from typing import Annotated

import typer

from cli import console

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class DoorName(StrEnum):
    """A door."""

    BENTO = "bento"
    FASTAPI = "fastapi"


@app.command()
def serve(
    door: Annotated[DoorName, typer.Option(help="BentoML, or the FastAPI fallback.")] = DoorName.BENTO,
    port: Annotated[
        int | None, typer.Option(help="Default: 3000 for bento, 8000 for fastapi.", min=1, max=65535)
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that answer; default 1.", min=1, max=64)] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; default 127.0.0.1.")] = None,
) -> None:
    """Serve what is in production until Ctrl-C; a promotion reaches every worker by itself."""
    from services import serving
    from services.settings import ServiceSettings

    settings = ServiceSettings()
    settings = settings.model_copy(update={"workers": workers or settings.workers, "host": host or settings.host})
    serving.serve(
        door.value,
        settings,
        port=port or settings.port_of(door.value),
        say=lambda text: console.out.print(text, markup=False),
    )
