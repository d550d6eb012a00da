"""The database servers of an installation: dumped while they serve, restored into empty databases."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deploy.host.backups.streams import Written, answer, feed, save
from deploy.host.containers import container_of
from deploy.host.failure import HostError

OURS = ("churn", "mlflow", "mlflow_auth", "optuna")
"""Databases, the churn store first: what a prediction names is then in the dumps that follow."""

PSQL = 'psql -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -XqAt'
DUMP = 'pg_dump -U "${POSTGRES_USER:-postgres}" --format=custom'
RESTORE = 'pg_restore -U "${POSTGRES_USER:-postgres}" --clean --if-exists --exit-on-error --single-transaction'

# the password is in the server's own environment: it never stands in a list of processes
MARIADB = 'MYSQL_PWD="${MARIADB_ROOT_PASSWORD:-$MYSQL_ROOT_PASSWORD}"'
MARIADB_DUMP = f"{MARIADB} mariadb-dump -u root --single-transaction --quick --hex-blob --default-character-set=utf8mb4"
MARIADB_ASK = f"{MARIADB} mariadb -u root --batch --skip-column-names --default-character-set=utf8mb4"


@dataclass(frozen=True)
class Server:
    """A database server in a container.

    Attributes:
        service: of compose: `postgres` or `mariadb`.
        container: its id.
    """

    service: str
    container: str

    @classmethod
    def of(cls, service: str) -> Server:
        """Find the server that runs.

        Raises:
            HostError: it does not run, or takes no connection.
        """
        found = container_of(service)
        running = found and answer("docker", "inspect", "--format", "{{.State.Running}}", found)
        if found is None or running != "true":
            raise HostError(f"{service} does not run: start it with `make up`, then try again")
        server = cls(service, found)
        server.ask("mysql" if server.is_mariadb else "postgres", "SELECT 1")
        return server

    @property
    def is_mariadb(self) -> bool:
        """It is not PostgreSQL."""
        return self.service == "mariadb"

    def suffix(self) -> str:
        """Return how the names of its dumps end."""
        return "sql.gz" if self.is_mariadb else "dump"

    def dump(self, database: str, path: Path) -> Written:
        """Dump a database as it is at one moment, while it serves."""
        return save(self._shell(f'{MARIADB_DUMP if self.is_mariadb else DUMP} "$1"', database), path)

    def restore(self, database: str, path: Path) -> None:
        """Restore a dump; what was in the database goes. PostgreSQL's is restored as a whole or not at all."""
        script = f'{MARIADB_ASK} "$1"' if self.is_mariadb else f'{RESTORE} -d "$1"'
        feed(path, self._shell(script, database))

    def ask(self, database: str, sql: str) -> str:
        """Return what a question gives, a row a line."""
        script = f'{MARIADB_ASK} "$1" -e "$2"' if self.is_mariadb else f'{PSQL} -d "$1" -c "$2"'
        return answer(*self._shell(script, database, sql))

    def count(self, database: str, table: str) -> int:
        """Return the rows of a table."""
        return int(self.ask(database, f"SELECT count(*) FROM {table}"))  # noqa: S608  our own names

    def size(self, database: str) -> int:
        """Return how many bytes a database has on the disk, its indexes too."""
        size = f"pg_database_size('{database}')"
        if self.is_mariadb:
            tables = f"information_schema.tables WHERE table_schema = '{database}'"
            size = f"coalesce(sum(data_length + index_length), 0) FROM {tables}"
        return int(float(self.ask(database, f"SELECT {size}")))

    def version(self) -> str:
        """Return the server's version, as 15.14."""
        if self.is_mariadb:
            return self.ask("mysql", "SELECT version()").split("-")[0]
        return self.ask("postgres", "SHOW server_version").split()[0]

    def schema(self, database: str, table: str) -> str:
        """Return the revision that Alembic notes; empty when the database was never migrated."""
        known = f"SELECT count(*) FROM information_schema.tables WHERE table_name = '{table}'"  # noqa: S608  as above
        if self.is_mariadb:
            known += f" AND table_schema = '{database}'"
        if self.ask(database, known) == "0":
            return ""
        return self.ask(database, f"SELECT version_num FROM {table}")  # noqa: S608  our own names

    def _shell(self, script: str, *words: str) -> list[str]:
        return ["docker", "exec", "-i", self.container, "sh", "-c", script, "sh", *words]
