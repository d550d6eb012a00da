"""The images of before the last update, kept under a tag of the project's own, so that there is a way back."""

from __future__ import annotations  # hosts may have Python 3.9

import re
from collections.abc import Iterable, Mapping

from deploy.host.compose import answer_of
from deploy.host.containers import container, container_of, docker
from deploy.host.failure import HostError

KEPT = "before-"
"""Begins the tag; the project's name ends it, because two installations of one host share the images' names."""

OURS = re.compile(r"^\s+image: [\"']?(\S*holdfast/[a-z]+:[^\s\"']+)", re.MULTILINE)


def names_in(configuration: str) -> list[str]:
    """Return our images that a configuration of compose names, each once."""
    return sorted(set(OURS.findall(configuration)))


def our_images() -> list[str]:
    """Return our images that the services are made of, such as holdfast/bento:local."""
    return names_in(answer_of("config"))


def kept_name(image: str, project: str) -> str:
    """Return the name under which the image of before is kept."""
    return f"{image.rpartition(':')[0]}:{KEPT}{project}"


def running_images(services: Iterable[str]) -> dict[str, str]:
    """Return what runs well: id by the name without its tag. An image that does not start is no way back."""
    found = [container(service) for service in services if container_of(service)]
    return {each.image.rpartition(":")[0]: each.image_id for each in found if each and each.is_well}


def keep(running: Mapping[str, str], images: Iterable[str], project: str) -> list[str]:
    """Tag what ran where the new image is another, and let go of what was kept of the others.

    Args:
        running: what ran well before the new images came.
        images: by name, as they are now.
        project: COMPOSE_PROJECT_NAME.

    Returns:
        those that changed; when none did, what was kept before stays.
    """
    ran = {name: running[name.rpartition(":")[0]] for name in images if name.rpartition(":")[0] in running}
    changed = [name for name in ran if ran[name] != id_of(name)]
    for name in changed:
        docker("tag", ran[name], kept_name(name, project))
    for name in ran:
        if changed and name not in changed and id_of(kept_name(name, project)):
            docker("rmi", "--no-prune", kept_name(name, project))
    return changed


def bring_back(images: Iterable[str], project: str) -> list[str]:
    """Let each name mean the image of before, and that one's the image of now; return which changed.

    Raises:
        HostError: none is kept.
    """
    found = [name for name in images if id_of(kept_name(name, project))]
    if not found:
        raise HostError(
            f"no image has the tag {KEPT}{project}: no update replaced one on this host, there is no way back"
        )
    for name in found:
        now = id_of(name)
        docker("tag", kept_name(name, project), name)
        if now:
            docker("tag", now, kept_name(name, project))
    return found


def require_here(images: Iterable[str]) -> None:
    """See that each image is on this host, before anything is stopped.

    Raises:
        HostError: some are not.
    """
    if missing := [name for name in images if not id_of(name)]:
        raise HostError(
            f"{', '.join(missing)} not found on this host: `make images` builds them, `make update PULL=1` pulls"
        )


def id_of(image: str) -> str:
    """Return what an image's name means here; empty when it means nothing."""
    return docker("images", "--no-trunc", "--quiet", image).strip().partition("\n")[0]
