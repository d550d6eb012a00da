"""The services that no port leads to: a word in each one's container."""

from __future__ import annotations  # hosts may have Python 3.9

from collections.abc import Iterator
from functools import partial

from deploy.host.checks.check import Check, eventually, require
from deploy.host.checks.engine import remedy_of
from deploy.host.checks.installation import Installation

DATABASES = ("mlflow", "mlflow_auth", "optuna", "churn")
LIST = 'PGPASSWORD="$POSTGRES_PASSWORD" psql -h 127.0.0.1 -U postgres -tAc "SELECT datname FROM pg_database"'
TABLES = 'MYSQL_PWD="$MARIADB_PASSWORD" mariadb -h 127.0.0.1 -u churn -N -e "SHOW TABLES" churn'
STRANGER = "unset REDISCLI_AUTH; redis-cli ping"
RESTED_SECONDS = 20.0
"""A door that Redis did not answer within 50 ms leaves it alone for five seconds."""

COUNTS = "redis-cli --scan --pattern 'churn:limit:*' | head -1"


def of_databases(at: Installation) -> Iterator[Check]:
    """Yield the checks of those that run."""
    checks = {
        "postgres": (("postgres: the four databases are there", _postgres),),
        "mariadb": (("mariadb: the churn store's tables are there", _mariadb),),
        "redis": (
            ("redis: nobody is let in without a password, the doors are", _redis),
            ("redis: the doors count requests there", _counts),
        ),
    }
    for service, of_service in checks.items():
        for words, look in of_service if service in at.services else ():
            yield Check(words, partial(look, at), remedy_of(service))


def _postgres(at: Installation) -> None:
    found = at.said_in("postgres", "sh", "-c", LIST).split()
    missing = [name for name in DATABASES if name not in found]
    require(not missing, f"missing: {', '.join(missing)}")


def _mariadb(at: Installation) -> None:
    require("predictions" in at.said_in("mariadb", "sh", "-c", TABLES).split(), "there is no table `predictions`")


def _redis(at: Installation) -> None:
    require("NOAUTH" in at.said_in("redis", "sh", "-c", STRANGER), "it answers whoever asks")
    require(at.said_in("redis", "redis-cli", "ping") == "PONG", "it does not answer PING")


def _counts(at: Installation) -> None:
    def look() -> None:
        at.ask("front", "/openapi.json")  # a request that is counted
        require(at.said_in("redis", "sh", "-c", COUNTS), "there is no count: each worker of a door counts for itself")

    eventually(look, seconds=at.patience(RESTED_SECONDS, "redis", "front"))
