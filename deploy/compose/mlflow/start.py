"""MLflow's server: the address of its accounts into a file, its tables, its administrator, then the server itself."""

import os
from pathlib import Path
from typing import Any

CONFIGURATION = Path("/tmp/basic_auth.ini")  # noqa: S108  the container's own memory
REMEMBERED_SECONDS = 60
"""A password is hashed again after so long: it takes a third of a second, and the doors ask every second."""

OPTIONAL = ("MLFLOW_S3_ENDPOINT_URL", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


def main() -> None:
    """Prepare, and run the server; no secret is on its command line."""
    for name in OPTIONAL:
        if not os.environ.get(name):
            os.environ.pop(name, None)
    accounts = os.environ.pop("MLFLOW_AUTH_DATABASE_URI")
    write_configuration(accounts)
    os.environ["MLFLOW_AUTH_CONFIG_PATH"] = str(CONFIGURATION)
    bring_tables_up(os.environ["MLFLOW_BACKEND_STORE_URI"])
    let_administrator_in(accounts)
    from mlflow.cli import server  # noqa: PLC0415  takes seconds, and this process has read half of it by now

    server(["--app-name", "basic-auth", "--host", "0.0.0.0", "--port", "5000"])  # noqa: S104


def write_configuration(database: str) -> None:
    """Write what only a file can say; everybody who has an account may read, and owns what he makes."""
    lines = [
        "[mlflow]",
        "default_permission = READ",
        f"database_uri = {database.replace('%', '%%')}",
        f"auth_cache_ttl_seconds = {REMEMBERED_SECONDS}",
    ]
    CONFIGURATION.touch(mode=0o600)
    CONFIGURATION.write_text("\n".join(lines) + "\n", encoding="utf-8")


def bring_tables_up(database: str) -> None:
    """Migrate the tables of an older MLflow; the server refuses to start on them, and makes new ones by itself."""
    from mlflow.store.db import utils  # noqa: PLC0415  takes seconds

    tables: Any = utils
    engine = tables.create_sqlalchemy_engine_with_retry(database)
    if not tables._is_empty_database(engine):
        tables._upgrade_db(engine)
    engine.dispose()


def let_administrator_in(accounts: str) -> None:
    """Let the administrator's password be the environment's: MLflow itself reads it at its very first start only.

    Otherwise another one in `.env`, or a restored database, would lock out what makes the other accounts.
    """
    from mlflow.server.auth.sqlalchemy_store import SqlAlchemyStore  # noqa: PLC0415  takes seconds

    name, password = os.environ["MLFLOW_AUTH_ADMIN_USERNAME"], os.environ["MLFLOW_AUTH_ADMIN_PASSWORD"]
    store: Any = SqlAlchemyStore()
    store.init_db(accounts)
    if store.has_user(name) and not store.authenticate_user(name, password):
        store.update_user(name, password=password, is_admin=True)
        print(f"account {name}: its password is changed", flush=True)
    store.engine.dispose()


if __name__ == "__main__":
    main()
