from pathlib import Path

import pytest

from churn.errors import UsageError
from churn.stores.segments import segments_in
from churn.stores.spool import SpoolLimits, SpoolWriter
from tests.churn.stores.test_spool import EAGER, lines_in, small_disk

MANY = [b"%06d" % number for number in range(1_000)]


def test_many_records_are_in_the_file_in_their_order(tmp_path: Path) -> None:
    with SpoolWriter(tmp_path, "api", EAGER) as spool:
        assert spool.extend(MANY) == 1_000
        assert spool.extend([]) == 0
        assert lines_in(tmp_path) == MANY


def test_a_record_of_two_lines_among_many_keeps_all_out(tmp_path: Path) -> None:
    with SpoolWriter(tmp_path, "api", EAGER) as spool, pytest.raises(UsageError, match="one line"):
        spool.extend([*MANY, b"a\nb"])

    assert lines_in(tmp_path) == []


def test_what_a_full_disk_does_not_take_waits_in_memory_and_comes_once(tmp_path: Path) -> None:
    records = [b"%06d" % number * 20 for number in range(1_000)]
    with small_disk(tmp_path / "disk", kilobytes=64) as disk:
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(20 << 10))
        with SpoolWriter(disk / "spool", "api", EAGER) as spool:
            written = spool.extend(records)

            assert 0 < written < 1_000
            assert written + spool.backlog == 1_000
            assert spool.lost == 0
            held = lines_in(disk / "spool")
            assert held == records[:written]


def test_a_closed_spool_and_a_full_memory_lose_and_count(tmp_path: Path) -> None:
    spool = SpoolWriter(tmp_path, "api", SpoolLimits(queue_records=10, sync_seconds=3600.0))
    spool.close()

    assert spool.extend(MANY) == 0
    assert spool.lost == 1_000
    assert segments_in(tmp_path) == []
