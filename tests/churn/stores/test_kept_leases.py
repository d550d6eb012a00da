"""A lease that is kept while the work takes longer than it was taken for."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

from churn.errors import ConflictError
from churn.stores.database import open_migrated
from churn.stores.leases import hold_lease, kept_lease
from churn.stores.tables import leases

PATIENCE_SECONDS = 60.0


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_migrated(f"sqlite:///{tmp_path / 'churn.db'}")
    yield engine
    engine.dispose()


def ends_at(engine: Engine) -> str:
    with engine.connect() as connection:
        return str(connection.execute(select(leases.c.expires_at)).scalar_one())


def test_it_is_extended_again_and_again_and_free_at_the_end(engine: Engine) -> None:
    with kept_lease(engine, "retrain:churn", owner="me", seconds=3.0) as lease:
        seen, deadline = {ends_at(engine)}, time.monotonic() + PATIENCE_SECONDS
        while len(seen) < 3:
            assert time.monotonic() < deadline, "nobody extended it"
            time.sleep(0.05)
            seen.add(ends_at(engine))
        lease.extend(3600)
        lease.check()
        with pytest.raises(ConflictError, match="held by me"), hold_lease(engine, lease.name, owner="you", seconds=1):
            pass

    with hold_lease(engine, "retrain:churn", owner="you", seconds=1):
        pass


def test_one_that_another_took_is_not_extended_and_is_known_to_be_lost(engine: Engine) -> None:
    with hold_lease(engine, "retrain:churn", owner="me", seconds=3600) as lease:
        with engine.begin() as connection:
            connection.execute(update(leases).values(owner="you", fencing_token=lease.fencing_token + 1))

        with pytest.raises(ConflictError, match="taken over"):
            lease.extend(3600)
        with pytest.raises(ConflictError, match="taken over by you"):
            lease.check()
