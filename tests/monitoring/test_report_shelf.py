"""The shelf of drift reports."""

from pathlib import Path

import pytest

from churn.errors import StoreError
from monitoring.report_shelf import folder_name, shelve


def test_only_the_newest_reports_are_kept_and_other_folders_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    names = [folder_name(f"2026-11-21T06:00:0{second}.000Z", 1) for second in range(5)]

    for name in names:
        shelve(tmp_path / name, {"drift.html": name, "drift.png": b"\x89PNG"}, kept=2)

    assert sorted(path.name for path in tmp_path.iterdir()) == [*names[-2:], "notes"]
    assert (tmp_path / names[-1] / "drift.html").read_text() == names[-1]
    assert (tmp_path / names[-1] / "drift.png").read_bytes() == b"\x89PNG"


def test_a_disk_that_takes_no_report_is_named(tmp_path: Path) -> None:
    (tmp_path / "shelf").write_text("a file where the folder should be")

    with pytest.raises(StoreError, match=r"the report .*shelf.* can't be written: .*\. Free some space"):
        shelve(tmp_path / "shelf" / "run", {}, kept=1)
