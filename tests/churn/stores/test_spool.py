import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn.errors import UsageError
from churn.stores.backlog import backlog
from churn.stores.segments import locked, read_lines, save_offsets, segments_in
from churn.stores.spool import SpoolLimits, SpoolWriter

EAGER = SpoolLimits(retry_seconds=0.0, sync_seconds=3600.0)


def lines_in(folder: Path) -> list[bytes]:
    assert all(path.read_bytes()[-1:] in {b"", b"\n"} for path in segments_in(folder)), "a torn line was left"
    return [line for path in segments_in(folder) for line in read_lines(path, 0, limit_bytes=1 << 30)[0]]


@contextmanager
def small_disk(folder: Path, *, kilobytes: int) -> Iterator[Path]:
    """A real full disk is a small tmpfs; only root may mount one."""
    folder.mkdir()
    mount = ["/bin/mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    if not Path("/bin/mount").exists() or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small disk can only be mounted by root; the file size limit test stands in")
    try:
        yield folder
    finally:
        subprocess.run(["/bin/umount", "-l", str(folder)], check=True)


def test_a_record_is_in_the_file_when_append_says_so(tmp_path: Path) -> None:
    with SpoolWriter(tmp_path / "spool", "api", EAGER) as spool:
        assert spool.append(b'{"id":1}')
        assert lines_in(tmp_path / "spool") == [b'{"id":1}']


def test_a_segment_belongs_to_its_writer_until_it_closes(tmp_path: Path) -> None:
    spool = SpoolWriter(tmp_path, "api", EAGER)
    spool.append(b"1")
    (segment,) = segments_in(tmp_path)

    with locked(segment) as got:
        assert not got
    spool.close()
    with locked(segment) as got:
        assert got


def test_a_writer_that_wrote_nothing_leaves_nothing(tmp_path: Path) -> None:
    SpoolWriter(tmp_path, "api", EAGER).close()

    assert segments_in(tmp_path) == []


def test_a_record_of_two_lines_is_refused(tmp_path: Path) -> None:
    with SpoolWriter(tmp_path, "api", EAGER) as spool, pytest.raises(UsageError, match="one line"):
        spool.append(b"a\nb")


def test_a_full_segment_is_followed_by_the_next(tmp_path: Path) -> None:
    with SpoolWriter(tmp_path, "api", SpoolLimits(segment_bytes=100, sync_seconds=3600.0)) as spool:
        assert all(spool.append(b"%039d" % number) for number in range(10))
        spool.tend()

        assert [path.stat().st_size for path in segments_in(tmp_path)] == [120, 120, 120, 40]
    assert lines_in(tmp_path) == [b"%039d" % number for number in range(10)]


def test_an_old_segment_is_let_go_without_another_record(tmp_path: Path) -> None:
    with SpoolWriter(tmp_path, "api", SpoolLimits(segment_seconds=0.01, sync_seconds=0.02)) as spool:
        spool.append(b"1")
        (segment,) = segments_in(tmp_path)
        deadline = time.monotonic() + 10
        is_free = False
        while not is_free and time.monotonic() < deadline:
            time.sleep(0.02)
            with locked(segment) as is_free:
                pass

        assert is_free


def test_threads_do_not_tear_each_other_s_lines(tmp_path: Path) -> None:
    def write(first: int) -> None:
        for number in range(first, first + 500):
            spool.append(b"%06d" % number * 20)

    with SpoolWriter(tmp_path, "api", SpoolLimits(segment_bytes=50_000, sync_seconds=0.01)) as spool:
        threads = [threading.Thread(target=write, args=(first,)) for first in range(0, 4000, 500)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sorted(lines_in(tmp_path)) == [b"%06d" % number * 20 for number in range(4000)]


def test_records_wait_in_memory_while_the_folder_takes_none(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file where the folder should be")
    with SpoolWriter(tmp_path / "spool", "api", EAGER) as spool:
        assert not spool.append(b"1")
        assert not spool.append(b"2")
        assert (spool.backlog, spool.lost) == (2, 0)

        (tmp_path / "spool").unlink()
        assert spool.append(b"3")

        assert spool.backlog == 0
        assert lines_in(tmp_path / "spool") == [b"1", b"2", b"3"]


def test_records_that_wait_go_to_the_disk_without_another_record(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("in the way")
    with SpoolWriter(tmp_path / "spool", "api", EAGER) as spool:
        spool.append(b"1")
        (tmp_path / "spool").unlink()

        spool.tend()

        assert lines_in(tmp_path / "spool") == [b"1"]


def test_a_deleted_folder_is_noticed_and_made_again(tmp_path: Path) -> None:
    with SpoolWriter(tmp_path / "spool", "api", EAGER) as spool:
        spool.append(b"1")
        shutil.rmtree(tmp_path / "spool")

        assert spool.append(b"2")
        assert lines_in(tmp_path / "spool") == [b"2"]


def test_when_memory_is_full_too_the_new_record_is_lost_and_counted(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("in the way")
    limits = SpoolLimits(retry_seconds=0.0, sync_seconds=3600.0, queue_records=2)
    with SpoolWriter(tmp_path / "spool", "api", limits) as spool:
        for record in (b"1", b"2", b"3"):
            assert not spool.append(record)
        assert (spool.backlog, spool.lost) == (2, 1)

        (tmp_path / "spool").unlink()
        spool.tend()

        assert lines_in(tmp_path / "spool") == [b"1", b"2"]


def test_what_waits_in_memory_at_the_end_is_counted_as_lost(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("in the way")
    spool = SpoolWriter(tmp_path / "spool", "api", EAGER)
    spool.append(b"1")
    spool.close()

    assert not spool.append(b"2")
    assert spool.lost == 2


def test_a_full_disk_keeps_whole_lines_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    record = b"x" * 700
    with small_disk(tmp_path / "disk", kilobytes=64) as disk, SpoolWriter(disk / "spool", "api", EAGER) as spool:
        answers = [spool.append(record) for _ in range(200)]

        assert 80 < sum(answers) < 94
        assert lines_in(disk / "spool") == [record] * sum(answers)
        assert (spool.backlog, spool.lost) == (200 - sum(answers), 0)

        subprocess.run(["/bin/mount", "-o", "remount,size=1m", str(disk)], check=True)
        assert spool.append(record)
        assert lines_in(disk / "spool") == [record] * 201


def test_a_file_size_limit_tears_no_line() -> None:
    """Runs in a process of its own: the limit would hold for the whole test run."""
    done = subprocess.run(
        [sys.executable, __file__], capture_output=True, text=True, check=False, cwd=Path.cwd(), timeout=60
    )

    assert done.stdout.split() == ["300", "0", "0"], done.stderr


@given(st.lists(st.binary(max_size=300).filter(lambda record: b"\n" not in record), max_size=60), st.integers(1, 2000))
@settings(max_examples=30, deadline=None)
def test_the_spool_gives_back_what_it_was_given(
    tmp_path_factory: pytest.TempPathFactory, records: list[bytes], segment_bytes: int
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    with SpoolWriter(folder, "api", SpoolLimits(segment_bytes=segment_bytes, sync_seconds=3600.0)) as spool:
        assert all(spool.append(record) for record in records)

    assert lines_in(folder) == records


def test_the_backlog_counts_what_the_relay_has_not_moved(tmp_path: Path) -> None:
    assert backlog(tmp_path / "nowhere").records == 0

    with SpoolWriter(tmp_path, "api", EAGER) as spool:
        for _ in range(5):
            spool.append(b"x" * 9)
        (segment,) = segments_in(tmp_path)
        assert (backlog(tmp_path).records, backlog(tmp_path).bytes) == (5, 50)

        save_offsets(tmp_path, {segment.name: 30})
        assert (backlog(tmp_path).records, backlog(tmp_path).bytes) == (2, 20)


def test_a_big_backlog_is_estimated_without_reading_it_all(tmp_path: Path) -> None:
    with SpoolWriter(tmp_path, "api", SpoolLimits(segment_bytes=1 << 20)) as spool:
        for _ in range(12_000):
            spool.append(b"x" * 999)

    assert backlog(tmp_path).records == pytest.approx(12_000, rel=0.01)


def test_a_note_that_can_t_be_read_is_as_no_note(tmp_path: Path) -> None:
    with SpoolWriter(tmp_path, "api", EAGER) as spool:
        spool.append(b"1")
        for broken in (b"", b"[]", b'{"x": "y"}', b"\xff"):
            (tmp_path / "relay.json").write_bytes(broken)
            assert backlog(tmp_path).records == 1


def test_the_writer_knows_no_database() -> None:
    """A serving worker starts without SQLAlchemy when it only spools."""
    code = "import sys, churn.stores.spool, churn.stores.backlog; sys.exit('sqlalchemy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def spool_under_a_file_size_limit(folder: Path) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
    spool = SpoolWriter(folder, "api", EAGER)
    for _ in range(300):
        spool.append(b"x" * 700)
    spool.close()
    whole = [line for line in lines_in(folder) if len(line) == 700]
    torn = len(lines_in(folder)) - len(whole)
    sys.stdout.write(f"{len(whole)} {torn} {spool.lost}")


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as temporary:
        spool_under_a_file_size_limit(Path(temporary))
