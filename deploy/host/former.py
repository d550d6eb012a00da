"""The images of before the last update, kept under the tag `previous`, so that there is a way back."""

from __future__ import annotations  # hosts may have Python 3.9

import re
from collections.abc import Iterable, Mapping

from deploy.host.compose import answer_of, container_of
from deploy.host.containers import container, docker
from deploy.host.failure import HostError

KEPT = "previous"
OURS = re.compile(r"^\s+image: [\"']?(\S*holdfast/[a-z]+:[^\s\"']+)", re.MULTILINE)


def names_in(configuration: str) -> list[str]:
    """Return our images that a configuration of compose names, each once."""
    return sorted(set(OURS.findall(configuration)))


def our_images() -> list[str]:
    """Return our images that the services are made of, such as holdfast/bento:local."""
    return names_in(answer_of("config"))


def kept_name(image: str) -> str:
    """Return the name under which the image of before is kept."""
    return f"{image.rpartition(':')[0]}:{KEPT}"


def running_images(services: Iterable[str]) -> dict[str, str]:
    """Return what runs well: id by the name without its tag. An image that does not start is no way back."""
    found = [container(service) for service in services if container_of(service)]
    return {each.image.rpartition(":")[0]: each.image_id for each in found if each and each.is_well}


def keep(running: Mapping[str, str], images: Iterable[str]) -> list[str]:
    """Tag what ran, where the new image is another; return what was kept."""
    changed = [name for name in images if running.get(name.rpartition(":")[0], id_of(name)) != id_of(name)]
    for name in changed:
        docker("tag", running[name.rpartition(":")[0]], kept_name(name))
    return changed


def bring_back(images: Iterable[str]) -> list[str]:
    """Let each name mean the image of before, and `previous` the one that it meant; return which changed.

    Raises:
        HostError: none is kept.
    """
    found = [name for name in images if id_of(kept_name(name))]
    if not found:
        raise HostError(
            f"no image with the tag `{KEPT}` is here: nothing was updated on this host, there is no way back"
        )
    for name in found:
        now = id_of(name)
        docker("tag", kept_name(name), name)
        if now:
            docker("tag", now, kept_name(name))
    return found


def id_of(image: str) -> str:
    """Return what an image's name means here; empty when it means nothing."""
    return docker("images", "--no-trunc", "--quiet", image).strip().partition("\n")[0]
