"""Exports uv.lock as the requirements that the Bento and MLproject install; `--check` says whether they are in step.

Run by `make lock` and `make check`.
"""

import subprocess
import sys
from pathlib import Path

import typer

EXPORTS = {
    Path("services/requirements.txt"): ["--no-default-groups"],
    Path("pipelines/requirements.txt"): ["--no-default-groups", "--group", "train", "--group", "monitor"],
}
"""File → which groups of the lock it holds."""


def exported(groups: list[str]) -> str:
    """Return one export of the lock as pip requirements."""
    uv = str(Path(sys.executable).with_name("uv"))
    options = ["--frozen", "--quiet", "--no-hashes", "--no-emit-project", "--no-annotate", "--no-header", *groups]
    return subprocess.run([uv, "export", *options], check=True, capture_output=True, text=True).stdout


def main(check: bool = False) -> None:
    """Write the exports, or compare them."""
    for path, groups in EXPORTS.items():
        text = exported(groups)
        if not check:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            typer.echo(f"{path} is not what uv.lock says: run `make lock`", err=True)
            raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
