import os
import socket
from pathlib import Path

import pytest

from churn.errors import UsageError
from churn.stores.file_locks import exclusive, share
from services.serving import remove_abandoned, require_free
from services.settings import run_lock


def test_a_taken_port_is_named_with_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(UsageError, match=rf"127\.0\.0\.1:{port}.*--port"):
            require_free("127.0.0.1", port)
    require_free("127.0.0.1", port)


def test_only_folders_of_dead_doors_are_removed(tmp_path: Path) -> None:
    for name in ("holdfast-bento-dead", "holdfast-bento-alive", "else"):
        (tmp_path / name).mkdir()
    handle = share(run_lock(tmp_path / "holdfast-bento-alive"))
    other = share(run_lock(tmp_path / "holdfast-bento-alive"))

    remove_abandoned(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"holdfast-bento-alive", "else"}

    os.close(handle)
    remove_abandoned(tmp_path)
    assert (tmp_path / "holdfast-bento-alive").exists()

    os.close(other)
    remove_abandoned(tmp_path)
    assert not (tmp_path / "holdfast-bento-alive").exists()


def test_a_lock_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    with exclusive(tmp_path / "lock") as first, exclusive(tmp_path / "lock") as second:
        assert (first, second) == (True, False)
    with exclusive(tmp_path / "lock") as again:
        assert again
