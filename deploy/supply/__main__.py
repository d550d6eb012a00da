"""`python -m deploy.supply sbom|scan`, behind the targets of the Makefile."""

import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from churn.errors import ChurnError
from deploy.supply.sbom import write_all
from deploy.supply.scan import PUBLIC_SERVICE, Scan, scan

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True, pretty_exceptions_enable=False)

FOLDER = Path("var/sbom")
FOUND = 2


@app.command("sbom")
def make(
    *,
    images: Annotated[bool, typer.Option(help="Look into the images too: needs the engine that holds them.")] = True,
    tag: Annotated[str, typer.Option(help="Which images.")] = "local",
    folder: Annotated[Path, typer.Option(help="Where the documents go.")] = FOLDER,
) -> None:
    """Write what the lock and each image consist of, as CycloneDX documents."""
    for path, components in write_all(folder, tag=tag if images else None).items():
        typer.echo(f"{path}: {components} components")


@app.command("scan")
def look_up(
    folder: Annotated[Path, typer.Option(help="Documents that `sbom` wrote.")] = FOLDER,
    ignored: Annotated[Path, typer.Option(help="Findings that were judged.")] = Path("deploy/scan-ignored.yaml"),
    service: Annotated[str, typer.Option(help="Of vulnerabilities: OSV, or a mirror of it.")] = PUBLIC_SERVICE,
) -> None:
    """Ask an OSV service what is known against each component.

    Exit status: 0 nothing that could be mended, 2 something, 1 it is not known: the service is away.
    """
    found = scan(folder, ignored, service=service, today=datetime.now(UTC).date())
    typer.echo("\n".join(_lines(found)))
    if found.has_failed:
        raise typer.Exit(FOUND)


def _lines(found: Scan) -> list[str]:
    lines = [f"{one.words}  in {', '.join(one.documents)}" for one in found.findings]
    lines += [f"ignored until {one.until}: {one.id} of {one.package}: {one.reason}" for one in found.ignored]
    lines += [f"no longer ignored since {one.until}: {one.id} of {one.package}" for one in found.expired]
    lines += [f"ignored and not found, remove it: {one.id} of {one.package}" for one in found.unused]
    return [*lines, found.summary]


def main(words: list[str] | None = None) -> None:
    """Run a command; a deliberate error becomes one line on stderr and exit status 1."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        app(words)
    except ChurnError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
