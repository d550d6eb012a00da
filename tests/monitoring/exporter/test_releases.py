from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from churn import metrics
from churn.stores.database import open_migrated
from churn.stores.releases import NewRelease, ReleaseStore
from monitoring.exporter.releases import release_facts


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_migrated(f"sqlite:///{tmp_path / 'churn.db'}")
    yield engine
    engine.dispose()


def test_the_stage_of_a_release_under_way_is_shown_and_its_end_is_counted_from_zero(engine: Engine) -> None:
    store = ReleaseStore(engine)
    begun = store.begin(NewRelease("churn", 3, "shadow", "{}", "Ada", "better"))
    under_way = release_facts(engine, "churn")

    store.end(begun.id, "rolled_back", "it failed")
    ended = release_facts(engine, "churn")

    assert under_way[metrics.RELEASE_STAGE] == {("3", "shadow"): 1.0}
    assert set(under_way[metrics.RELEASES].values()) == {0.0}
    assert ended[metrics.RELEASE_STAGE] == {}
    assert ended[metrics.RELEASES]["rolled_back",] == 1.0
