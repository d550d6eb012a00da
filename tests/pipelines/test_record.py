"""The log of predictions and moves, as whoever verifies it leaves the store."""

from datetime import UTC, datetime

import psycopg

from churn.settings import Settings
from pipelines.record import verify, would_be_retained
from tests.postgres import Postgres, postgres

__all__ = ["postgres"]

OURS = "select count(*) from pg_stat_activity where application_name = 'holdfast' and datname = current_database()"


def test_who_looks_at_the_log_lets_go_of_the_stores_connections(postgres: Postgres) -> None:
    address = postgres.create("looked_at")
    settings = Settings(database=address)

    assert verify(settings=settings).is_sound
    assert would_be_retained(datetime(2020, 1, 1, tzinfo=UTC), settings=settings).predictions == 0

    with psycopg.connect(address.replace("+psycopg", "")) as connection:
        assert connection.execute(OURS).fetchone() == (0,)
