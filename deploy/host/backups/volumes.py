"""The volumes of an installation, packed and unpacked by a container that has nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.host.backups.streams import Written, answer, feed, save
from deploy.host.failure import HostError

CHANGED = 1
"""Exit status of tar when a file grew or went while it was read."""

KEPT = ("artifacts", "jobs", "bento-home", "fastapi-home", "pipelines-home")
"""Volumes of files that a backup holds. Those of the databases are dumped instead."""

HOMES = ("bento-home", "fastapi-home")
"""Of the doors: each has a spool."""

SPOOL = "spool"
MARK = ".restoring"
"""Stays when a volume is emptied: it says whose what is in it is."""

LEFT_OUT = ("./spool", "./attendant.json", "./attendant.lock", "./token.key", "./metrics", "*.draft", "*.part")
"""Of a home: the spool is packed by itself, before the databases; a lock or a state is of the process that made it."""

EMPTY = ("-mindepth", "1", "!", "-name", MARK, "-delete")
NOTE = "relay.json"
"""How far the relay has come: without it all of a segment is stored again, and the ids make that no difference."""


@dataclass(frozen=True)
class Volumes:
    """Volumes of a compose project.

    Attributes:
        names: by what docker-compose.yml calls them, what the engine does.
        image: that has `tar` and `sh`.
    """

    names: Mapping[str, str]
    image: str

    @classmethod
    def of(cls, project: str, image: str) -> Volumes:
        """Find what compose has made for a project."""
        labels = '{{.Label "com.docker.compose.volume"}} {{.Name}}'
        found = answer(
            "docker", "volume", "ls", "--filter", f"label=com.docker.compose.project={project}", "--format", labels
        )
        return cls(dict(line.split(" ", 1) for line in found.splitlines()), image)

    def pack(self, volume: str, path: Path) -> Written:
        """Pack a volume while others write to it."""
        out = [f"--exclude={each}" for each in LEFT_OUT] if volume.endswith("-home") else []
        words = ["--warning=no-file-changed", "--numeric-owner", *out, "-C", "/from", "-cf", "-", "."]
        return save([*self._reading(volume), "tar", self.image, *words], path, fine=(0, CHANGED))

    def pack_spool(self, home: str, path: Path) -> Written:
        """Pack what a door has acknowledged and not yet brought to SQL; an empty archive when there is no spool."""
        words = f"tar --warning=no-file-changed --numeric-owner --exclude={NOTE} --exclude='*.draft' -cf -"
        script = f"cd /from && if [ -d {SPOOL} ]; then {words} {SPOOL}; else {words} -T /dev/null; fi"
        return save([*self._reading(home), "sh", self.image, "-c", script], path, fine=(0, CHANGED))

    def unpack(self, volume: str, *paths: Path) -> None:
        """Empty a volume and fill it from archives, owners and modes as they were."""
        feed(Path("/dev/null"), [*self._writing(volume), "find", self.image, "/to", *EMPTY])
        for path in paths:
            feed(path, [*self._writing(volume), "tar", self.image, "--numeric-owner", "-C", "/to", "-xpf", "-"])

    def sizes(self, volumes: Iterable[str]) -> dict[str, int]:
        """Return how many bytes the files of each volume have."""
        there = [volume for volume in volumes if volume in self.names]
        script = 'for one in /from/*; do du -sb "$one"; done'
        told = answer(*self._isolated(), *_mounts(self, there), "--entrypoint", "sh", self.image, "-c", script)
        return {name.rsplit("/", 1)[-1]: int(size) for size, name in map(str.split, told.splitlines())}

    def used(self) -> list[str]:
        """Return the volumes that hold a file; prepared folders are none."""
        if not self.names:
            return []
        script = 'for one in /from/*; do [ -z "$(find "$one" -type f -print -quit)" ] || basename "$one"; done'
        return answer(
            *self._isolated(), *_mounts(self, self.names), "--entrypoint", "sh", self.image, "-c", script
        ).split()

    def read(self, volume: str, name: str) -> str:
        """Return the text of a small file of a volume; empty when it is not there."""
        if volume not in self.names:
            return ""
        script = f'if [ -e "/from/{name}" ]; then cat "/from/{name}"; fi'
        return answer(*self._reading(volume), "sh", self.image, "-c", script)

    def write(self, volume: str, name: str, text: str) -> None:
        """Write a small file into a volume; an empty text deletes it."""
        script = f'printf %s "$1" > "/to/{name}"' if text else f'rm -f "/to/{name}"'
        answer(*self._writing(volume), "sh", self.image, "-c", script, "sh", text)

    def _reading(self, volume: str) -> list[str]:
        return [*self._isolated(), "-v", f"{self._engine_name(volume)}:/from:ro", "--entrypoint"]

    def _writing(self, volume: str) -> list[str]:
        powers = [word for power in ("CHOWN", "FOWNER", "FSETID") for word in ("--cap-add", power)]
        return [*self._isolated(), *powers, "-i", "-v", f"{self._engine_name(volume)}:/to", "--entrypoint"]

    def _isolated(self) -> list[str]:
        # no log: else the engine would keep a copy of all that is packed in a file of its own
        limits = ["--network", "none", "--read-only", "--log-driver", "none", "--user", "0:0"]
        return ["docker", "run", "--rm", *limits, "--cap-drop", "ALL", "--cap-add", "DAC_OVERRIDE"]

    def _engine_name(self, volume: str) -> str:
        if volume not in self.names:
            raise HostError(f"the installation has no volume {volume}: was it ever started? `make up`")
        return self.names[volume]


def _mounts(volumes: Volumes, names: Iterable[str]) -> list[str]:
    return [word for name in names for word in ("-v", f"{volumes.names[name]}:/from/{name}:ro")]
