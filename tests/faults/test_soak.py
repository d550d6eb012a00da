import time

import pytest

from churn.contract.contract import Contract
from tests.faults.amounts import SETTINGS
from tests.faults.conftest import Rig
from tests.faults.doors import OpenDoor
from tests.faults.load import OpenLoad
from tests.faults.scores import customers, offline_scores, wrong_scores
from tests.faults.tally import counted, require_each_stored_once, tell

pytestmark = pytest.mark.slow

RATE = 50.0
WARM_SECONDS = 10.0
MOST_MEGABYTES_AN_HOUR = 20
"""Of a run of an hour or more; a shorter one can't tell a slope from noise."""

MOST_GROWTH_MEGABYTES = 50
MOST_SERIES = 50
"""Labels come from closed lists, but a column that is missing for the first time has its first line then."""


def test_nothing_grows_while_the_doors_do_their_ordinary_work(rig: Rig, telco: Contract) -> None:
    doors, sent, seconds = (rig.bento, rig.fallback), customers(telco), SETTINGS.hours * 3600
    loads = [OpenLoad(door.port, sent, name=door.kind, rate=RATE).start() for door in doors]
    time.sleep(WARM_SECONDS)
    before = [_burden(door) for door in doors]
    time.sleep(seconds)
    after = [_burden(door) for door in doors]
    for load in loads:
        load.finish()

    scores = {str(rig.version): offline_scores(rig.shop.folders["first"], sent)}
    assert [(load.failed, load.breaks) for load in loads] == [({}, 0), ({}, 0)]
    assert wrong_scores([each for load in loads for each in load.answers], scores) == []
    growth = max(late["megabytes"] - early["megabytes"] for early, late in zip(before, after, strict=True))
    files = max(late["files"] - early["files"] for early, late in zip(before, after, strict=True))
    series = max(late["series"] - early["series"] for early, late in zip(before, after, strict=True))
    stored = require_each_stored_once(rig.home, loads)
    tell("T18", "ordinary work at both doors", faults=0, **counted(loads), **stored, hours=round(SETTINGS.hours, 2),
         memory_growth_megabytes=round(growth, 1), more_open_files=files, more_metric_series=series)  # fmt: skip
    assert growth <= max(MOST_GROWTH_MEGABYTES, MOST_MEGABYTES_AN_HOUR * SETTINGS.hours)
    assert files <= 5
    assert series <= MOST_SERIES


def _burden(door: OpenDoor) -> dict[str, float]:
    workers = door.worker_processes()
    text = door.ask("GET", "/metrics")[1]
    return {
        "megabytes": sum(each.memory_info().rss for each in workers) / 2**20,
        "files": sum(each.num_fds() for each in workers),
        "series": len(text.splitlines()),
    }
