"""An installation as its host sees it: its variables, its containers, its images."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from deploy.host import environment
from deploy.host.backups.databases import OURS, Server
from deploy.host.backups.streams import answer
from deploy.host.backups.volumes import Volumes
from deploy.host.failure import HostError
from deploy.host.variables import VARIABLES

MIGRATIONS = environment.ROOT / "churn" / "stores" / "migrations" / "versions"
REVISION = re.compile(r'^revision = "([^"]+)"', re.MULTILINE)
TABLES = {"churn": "churn_alembic_version", "mlflow": "alembic_version", "mlflow_auth": "alembic_version_auth"}
"""Database → the table in which its program notes the revision of its tables."""

MLFLOW_MIGRATIONS = {"mlflow": "store/db_migrations/versions", "mlflow_auth": "server/auth/db/migrations/versions"}
KNOWN_TO_MLFLOW = """
import sys
from importlib.util import find_spec
from pathlib import Path
folder = Path(find_spec("mlflow").origin).parent / sys.argv[1]
print(any(folder.glob(sys.argv[2] + "_*.py")))
"""


@dataclass(frozen=True)
class Installation:
    """What `.env` says, and what follows from it."""

    values: Mapping[str, str]

    @classmethod
    def here(cls) -> Installation:
        """Read the `.env` of this tree."""
        return cls(environment.read())

    @property
    def project(self) -> str:
        """Return compose's name of it."""
        if not self.values.get("COMPOSE_PROJECT_NAME"):
            raise HostError(".env names no COMPOSE_PROJECT_NAME: `make secrets` adds it")
        return self.values["COMPOSE_PROJECT_NAME"]

    @property
    def profiles(self) -> str:
        """Return the active ones, by comma."""
        return self.values.get("COMPOSE_PROFILES", "")

    @property
    def settings(self) -> dict[str, str]:
        """Return what is no secret."""
        plain = (each.name for each in VARIABLES if not each.is_secret)
        return {name: self.values[name] for name in plain if name in self.values}

    @property
    def store(self) -> str:
        """Return the service that holds the churn store.

        Raises:
            HostError: it is a server of somebody else, who must back it up.
        """
        address = urlsplit(self.values.get("HOLDFAST_STORE_URL", ""))
        service = {"postgres": "postgres", "mariadb": "mariadb", None: "postgres"}.get(address.hostname)
        if service is None:
            raise HostError(
                f"the churn store is at {address.hostname}, which is no service of this installation: "
                "back it up there, after the doors' spools and before MLflow's databases (docs/backup.md)"
            )
        return service

    @property
    def artifacts(self) -> str:
        """Return `volume`, or the address of the object store."""
        named = self.values.get("HOLDFAST_ARTIFACTS", "")
        return named if "://" in named else "volume"

    @property
    def services(self) -> list[str]:
        """Return the database servers that are ours."""
        return ["postgres"] if self.store == "postgres" else ["postgres", "mariadb"]

    def image(self, name: str) -> str:
        """Return the name of one of our images.

        Raises:
            HostError: it was not built.
        """
        image = f"holdfast/{name}:{self.values.get('HOLDFAST_TAG') or 'local'}"
        if not answer("docker", "image", "ls", "-q", image):
            raise HostError(f"there is no image {image}: `make images` builds it")
        return image

    def volumes(self) -> Volumes:
        """Find the volumes that it has now."""
        return Volumes.of(self.project, self.image("pipelines"))

    def server_of(self, database: str) -> Server:
        """Find the server of a database, which must run."""
        return Server.of(self.store if database == "churn" else "postgres")

    def containers(self) -> list[str]:
        """Return the ids of all, running or not."""
        label = f"label=com.docker.compose.project={self.project}"
        return answer("docker", "ps", "-aq", "--filter", label).split()

    def images(self) -> dict[str, str]:
        """Return what each service runs: the image's name and id."""
        found = self.containers()
        shown = '{{index .Config.Labels "com.docker.compose.service"}} {{.Config.Image}} {{.Image}}'
        told = answer("docker", "inspect", "--format", shown, *found) if found else ""
        return dict(line.split(" ", 1) for line in sorted(told.splitlines()))

    def schemas(self) -> dict[str, str]:
        """Return the revision of each database's tables."""
        return {name: self.server_of(name).schema(name, TABLES[name]) for name in OURS if name in TABLES}

    def knows(self, database: str, revision: str) -> bool:
        """Say whether this version's program knows the tables of such a revision."""
        if not revision:
            return True
        if database == "churn":
            texts = (path.read_text(encoding="utf-8") for path in MIGRATIONS.glob("*.py"))
            return any(revision in REVISION.findall(text) for text in texts)
        words = ["python", self.image("mlflow"), "-c", KNOWN_TO_MLFLOW, MLFLOW_MIGRATIONS[database], revision]
        return answer("docker", "run", "--rm", "--network", "none", "--entrypoint", *words) == "True"
