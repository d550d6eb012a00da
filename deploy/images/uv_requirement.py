"""Prints the requirement of uv as uv.lock has it, with its hashes, for pip."""

import sys
import tomllib
from pathlib import Path


def requirement(lock: str) -> str:
    """Return `uv==VERSION --hash=…` of the text of a lock."""
    (uv,) = (package for package in tomllib.loads(lock)["package"] if package["name"] == "uv")
    hashes = " ".join(f"--hash={file['hash']}" for file in uv["wheels"])
    return f"uv=={uv['version']} {hashes}"


if __name__ == "__main__":
    sys.stdout.write(requirement(Path(sys.argv[1]).read_text(encoding="utf-8")) + "\n")
