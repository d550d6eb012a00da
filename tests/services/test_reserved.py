import subprocess
import sys
from pathlib import Path

import pytest

from services.reserved import ROOM_BYTES, ReservedDict

ROOT = Path(__file__).parent.parent.parent


def test_a_file_has_its_room_before_it_is_used(tmp_path: Path) -> None:
    file = tmp_path / "counter_1.db"
    kept = ReservedDict(str(file))
    assert file.stat().st_blocks * 512 >= ROOM_BYTES
    kept.write_value("one", 2.0, 0.0)
    kept.close()

    again = ReservedDict(str(file))
    assert again.read_value("one") == (2.0, 0.0)
    again.close()


def test_a_file_that_grows_takes_its_room_first_and_keeps_what_it_has(tmp_path: Path) -> None:
    file = tmp_path / "counter_1.db"
    kept = ReservedDict(str(file))
    names = [f"{number:03d}-{'x' * 2000}" for number in range(300)]
    for number, name in enumerate(names):
        kept.write_value(name, float(number), 0.0)

    assert file.stat().st_blocks * 512 >= file.stat().st_size > ROOM_BYTES
    assert [kept.read_value(name)[0] for name in names] == list(range(300))
    kept.close()


FULL = """
import resource, signal, sys
from services.reserved import ROOM_BYTES, ReservedDict

kept = ReservedDict(sys.argv[1])
kept.write_value("one", 2.0, 0.0)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM_BYTES, resource.RLIM_INFINITY))
try:
    kept.write_value("x" * ROOM_BYTES, 1.0, 0.0)
except OSError:
    kept.write_value("one", kept.read_value("one")[0] + 1, 0.0)
    print(kept.read_value("one")[0])
"""


def test_a_disk_without_room_is_an_error_and_not_the_end_of_the_process(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL, str(tmp_path / "counter_1.db")]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert ended.stdout == "3.0\n"


def test_who_only_reads_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ReservedDict(str(tmp_path / "counter_1.db"), read_mode=True)
