"""`python3 -m deploy.host images`: builds the images; with --check twice, and says which of their files differ."""

from __future__ import annotations  # hosts may have Python 3.9

import argparse
import re
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass

from deploy.host import image_files
from deploy.host.environment import ROOT, known
from deploy.host.failure import HostError


@dataclass(frozen=True)
class Image:
    """One of ours.

    Attributes:
        recipe: file in deploy/images, without `.Dockerfile`.
        target: the stage that becomes the image.
    """

    recipe: str
    target: str


IMAGES = {
    "holdfast/serving": Image("serving", "fastapi"),
    "holdfast/bento": Image("serving", "bento"),
    "holdfast/mlflow": Image("mlflow", "mlflow"),
    "holdfast/pipelines": Image("pipelines", "pipelines"),
}
"""Name → how it is built."""

VARIABLES = ("HOLDFAST_TAG", "HOLDFAST_BUILD_NETWORK", "HOLDFAST_SOURCE", "SOURCE_DATE_EPOCH")
"""What the environment or `.env` may say."""

AGAIN = "again"
"""Tag of the second build."""


def options(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(map(short, IMAGES))}")
    parser.add_argument("--no-cache", action="store_true", help="build from clean")
    parser.add_argument("--check", action="store_true", help="build from clean once more, and compare the files")


def run(arguments: argparse.Namespace) -> int:
    """Build the images.

    Returns:
        0; 1 when two builds of one image differ.
    """
    names, tag = chosen(arguments.names), wanted_tag()
    build_all(names, is_clean=arguments.no_cache)
    different = [name for name in names if not is_reproduced(name, tag)] if arguments.check else []
    return int(bool(different))


def wanted_tag() -> str:
    """Return HOLDFAST_TAG."""
    return known(*VARIABLES).get("HOLDFAST_TAG", "local")


def build_all(names: Iterable[str] = tuple(IMAGES), *, is_clean: bool = False) -> None:
    """Build images with the tag that is wanted.

    Raises:
        HostError: docker said no; why is on the terminal.
    """
    for name in names:
        build(name, wanted_tag(), is_clean=is_clean)


def chosen(words: list[str]) -> list[str]:
    """Return the names of the images that are meant, all when none is named.

    Raises:
        HostError: there is no such image.
    """
    wanted = [f"holdfast/{short(word)}" for word in words]
    if unknown := [name for name in wanted if name not in IMAGES]:
        raise HostError(f"there is no image {unknown[0]}: there are {', '.join(map(short, IMAGES))}")
    return wanted or list(IMAGES)


def short(name: str) -> str:
    """Return a name without the project's."""
    return name.rpartition("/")[2]


def build(name: str, tag: str, *, is_clean: bool = False) -> None:
    """Build one image.

    Raises:
        HostError: docker said no; why is on the terminal.
    """
    image, found = IMAGES[name], known(*VARIABLES)
    words = ["docker", "build", "--file", f"deploy/images/{image.recipe}.Dockerfile", "--target", image.target]
    for fact in facts(found).items():
        words += ["--build-arg", "=".join(fact)]
    if network := found.get("HOLDFAST_BUILD_NETWORK"):
        words += ["--network", network]
    if is_clean:
        words.append("--no-cache")
    print(f"building {name}:{tag}", flush=True)
    if subprocess.run([*words, "--tag", f"{name}:{tag}", "."], cwd=ROOT, check=False).returncode:
        raise HostError(f"{name}:{tag} was not built: what docker said is above")


def facts(found: dict[str, str]) -> dict[str, str]:
    """Return what the labels say of this folder: version, revision, and when that was committed."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    epoch = found.get("SOURCE_DATE_EPOCH") or _git("log", "-1", "--format=%ct") or "0"
    (version,) = re.findall(r'^version = "(.+)"$', project, flags=re.MULTILINE)
    return {
        "VERSION": version,
        "REVISION": revision() or "unknown",
        "SOURCE": found.get("HOLDFAST_SOURCE", "unknown"),
        "CREATED": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(epoch))),
        "SOURCE_DATE_EPOCH": epoch,  # BuildKit dates the layers by it
    }


def revision() -> str:
    """Return the tree's commit, marked when something was changed since; empty where git knows nothing of it."""
    found = _git("rev-parse", "HEAD")
    return f"{found}-changed" if found and _git("status", "--porcelain", "--untracked-files=no") else found


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:  # a server has the files, perhaps not git
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def is_reproduced(name: str, tag: str) -> bool:
    """Build an image once more, say which files are different, and forget the second one."""
    build(name, AGAIN, is_clean=True)
    try:
        different = image_files.differences(f"{name}:{tag}", f"{name}:{AGAIN}")
    finally:
        subprocess.run(["docker", "rmi", "--no-prune", f"{name}:{AGAIN}"], capture_output=True, check=False)
    print("\n".join([f"{name}: {len(different)} files differ between two builds", *different[:20]]), flush=True)
    return not different
