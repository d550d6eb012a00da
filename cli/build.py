"""`churn build`: build the Bento."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cli import console
from cli.options import JsonOption

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def build(
    source: Annotated[Path, typer.Option("--source", help="Folder with bentofile.yaml.")] = Path(),
    bento_version: Annotated[
        str | None, typer.Option("--bento-version", help="Of the Bento; default: made of time and content.")
    ] = None,
    archive: Annotated[Path | None, typer.Option("--archive", help="Also export it into this file, .bento.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Build the Bento and print its tag; the model is no part of it, it is fetched from the registry."""
    from services.packing import pack

    found = pack(source, version=bento_version, archive=archive)
    if as_json:
        kept = str(found.archive) if found.archive else None
        typer.echo(json.dumps({"tag": found.tag, "folder": str(found.folder), "archive": kept}))
        return
    console.out.print(
        f"{found.tag}\nnext: bentoml serve {found.tag}, or bentoml containerize {found.tag}", markup=False
    )
