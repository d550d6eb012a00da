"""What a backup is made of: files with digests, a manifest, a folder that is complete or not there."""

import gzip
import os
import subprocess
import sys
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.host import environment
from deploy.host.backups import copies, siblings
from deploy.host.backups.databases import OURS
from deploy.host.backups.installation import Installation
from deploy.host.backups.making import _members
from deploy.host.backups.manifest import FORMAT, Manifest
from deploy.host.backups.streams import Written, answer, digest_of, feed, save
from deploy.host.failure import HostError
from deploy.host.restore import misfits
from deploy.host.variables import VARIABLES
from tests.deploy.manifests import a_manifest

PYTHON = sys.executable


def test_what_a_command_writes_is_kept_with_its_digest_and_comes_back(tmp_path: Path) -> None:
    written = save([PYTHON, "-c", "print('churn' * 100_000)"], tmp_path / "table.dump")
    feed(tmp_path / "table.dump", ["cp", "/dev/stdin", str(tmp_path / "again")])

    assert written == digest_of(tmp_path / "table.dump") == Written(500_001, written.sha256)
    assert (tmp_path / "again").read_bytes() == b"churn" * 100_000 + b"\n"


def test_a_name_that_ends_in_gz_is_compressed_and_expanded(tmp_path: Path) -> None:
    written = save(["echo", "hello"], tmp_path / "one.gz")
    feed(tmp_path / "one.gz", ["cp", "/dev/stdin", str(tmp_path / "one")])

    assert gzip.decompress((tmp_path / "one.gz").read_bytes()) == b"hello\n" == (tmp_path / "one").read_bytes()
    assert written == digest_of(tmp_path / "one.gz")


def test_a_command_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="gave exit status 3: no such database"):
        save(["sh", "-c", "echo half; echo no such database >&2; exit 3"], tmp_path / "x.dump")
    with pytest.raises(HostError, match="gave exit status 3: not now"):
        feed(Path(os.devnull), ["sh", "-c", "echo not now >&2; exit 3"])
    with pytest.raises(HostError, match="failed: not today"):
        answer("sh", "-c", "echo not today >&2; exit 1")


def test_a_status_that_is_fine_is_no_failure(tmp_path: Path) -> None:
    assert save(["sh", "-c", "printf all; exit 1"], tmp_path / "x.tar", fine=(0, 1)).size == 3


def test_a_command_that_ends_before_its_input_does_is_told_by_its_status(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"0" * 4_000_000)

    with pytest.raises(HostError, match="gave exit status 1: it said nothing"):
        feed(tmp_path / "large", ["false"])


@pytest.mark.parametrize("name", ["full", "full.gz"])
def test_a_full_disk_is_told_and_ends_the_command(name: str, tmp_path: Path) -> None:
    (tmp_path / name).symlink_to("/dev/full")

    with pytest.raises(HostError, match="can't be written: No space left on device"):
        save([PYTHON, "-c", "import os\nwhile True: print(os.urandom(999))"], tmp_path / name)


def test_a_truncated_archive_is_no_input(tmp_path: Path) -> None:
    (tmp_path / "half.gz").write_bytes(gzip.compress(os.urandom(100_000))[:50_000])

    with pytest.raises(HostError, match="can't be read: Compressed file ended"):
        feed(tmp_path / "half.gz", ["cp", "/dev/stdin", str(tmp_path / "half")])


def test_a_backup_is_there_when_it_is_whole(tmp_path: Path) -> None:
    with copies.making(tmp_path / "b" / "one") as partial:
        (partial / "file").write_text("x")
        assert not (tmp_path / "b" / "one").exists()

    assert (tmp_path / "b" / "one" / "file").read_text() == "x"
    assert (tmp_path / "b" / "one").stat().st_mode & 0o777 == 0o700


def test_a_backup_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with copies.making(tmp_path / "one") as partial:
            (partial / "file").write_text("x")
            raise HostError("no database")

    with pytest.raises(HostError, match="no database"):
        fail()

    assert [each.name for each in tmp_path.iterdir()] == [copies.LOCK]


def test_what_a_killed_backup_left_is_deleted_by_the_next(tmp_path: Path) -> None:
    (tmp_path / "old.partial").mkdir()

    with copies.making(tmp_path / "new"):
        pass

    assert sorted(each.name for each in tmp_path.iterdir()) == [copies.LOCK, "new"]


def test_a_backup_is_never_written_over_another_nor_beside_one_that_is_made(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()

    with pytest.raises(HostError, match="one is there already"), copies.making(tmp_path / "one"):
        pass
    with copies.making(tmp_path / "two"), pytest.raises(HostError, match="another backup is being written"):
        copies.making(tmp_path / "three").__enter__()


def test_the_oldest_backups_go_and_the_newest_never(tmp_path: Path) -> None:
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    names = [copies.name_of(noon + timedelta(days=day)) for day in range(4)]
    for name in [*names, "by-hand", "20261101T000000Z"]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").touch()
    (tmp_path / "20261101T000000Z" / "manifest.json").unlink()

    assert [each.name for each in copies.forget(tmp_path, 2)] == names[:2] == ["20261121T120000Z", "20261122T120000Z"]
    assert {each.name for each in tmp_path.iterdir()} == {*names[2:], "by-hand", "20261101T000000Z"}
    assert [each.name for each in copies.forget(tmp_path, 0)] == names[2:3]


def test_a_disk_that_is_too_small_is_told_beforehand(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"free, and the backup may need 1024\.0 GiB"):
        copies.require_space(tmp_path / "not" / "there", 1 << 40)


def test_sizes_are_said_in_words() -> None:
    assert [copies.said(size) for size in (5, 2048, 3 << 20, 5 << 30)] == ["5 B", "2.0 KiB", "3.0 MiB", "5.0 GiB"]


def test_a_manifest_comes_back_as_it_was_written(tmp_path: Path) -> None:
    manifest = a_manifest(tmp_path, {"churn.dump": b"rows"})

    assert Manifest.read(tmp_path) == manifest
    manifest.verify(tmp_path)


@pytest.mark.parametrize(
    ("bytes_now", "words"),
    [(b"row", "churn.dump has 3 bytes instead of 4"), (b"rowz", "churn.dump was changed"), (None, "is missing")],
)
def test_a_file_that_is_not_as_it_was_written_is_named(bytes_now: bytes | None, words: str, tmp_path: Path) -> None:
    manifest = a_manifest(tmp_path, {"churn.dump": b"rows", "mlflow.dump": b"runs"})
    (tmp_path / "churn.dump").unlink()
    if bytes_now is not None:
        (tmp_path / "churn.dump").write_bytes(bytes_now)

    with pytest.raises(HostError, match=f"{words}.*Take another backup") as raised:
        manifest.verify(tmp_path)
    assert "mlflow" not in str(raised.value)


def test_a_folder_without_a_manifest_or_with_another_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="is no complete backup"):
        Manifest.read(tmp_path)
    for text, words in {
        "{": "can't be read",
        "[]": "holds no object",
        '{"format": 9}': "format 9",
        "{}": "None",
    }.items():
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(HostError, match=words):
            Manifest.read(tmp_path)
    (tmp_path / "manifest.json").write_text(f'{{"format": {FORMAT}, "files": {{}}}}')
    with pytest.raises(HostError, match="is damaged"):
        Manifest.read(tmp_path)


def test_segments_of_a_packed_spool_are_known_by_name(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    for name in ("fastapi-7-1.jsonl", "relay.json", "rejected.jsonl"):
        (tmp_path / "spool" / name).write_text("{}\n")
    with tarfile.open(tmp_path / "spool.tar.gz", "w:gz") as packed:
        packed.add(tmp_path / "spool", "spool")

    assert _members(tmp_path / "spool.tar.gz") == ["fastapi-7-1.jsonl"]


@pytest.mark.parametrize(
    ("url", "store"),
    [
        ("postgresql+psycopg://churn:x@postgres:5432/churn", "postgres"),
        ("mysql+pymysql://churn:x@mariadb:3306/churn", "mariadb"),
    ],
)
def test_the_store_is_the_service_that_its_address_names(url: str, store: str) -> None:
    assert Installation({"HOLDFAST_STORE_URL": url}).store == store


def test_a_store_elsewhere_is_somebody_elses_to_back_up() -> None:
    with pytest.raises(HostError, match=r"the churn store is at db\.example, which is no service"):
        _ = Installation({"HOLDFAST_STORE_URL": "postgresql://churn:x@db.example/churn"}).store


def test_a_backup_goes_only_into_an_installation_that_fits(tmp_path: Path) -> None:
    address = {"HOLDFAST_STORE_URL": "postgresql://churn@postgres/churn"}
    manifest = a_manifest(tmp_path, {}, schemas={"churn": "0004"})
    of_mariadb = a_manifest(tmp_path, {}, store="mariadb", profiles="core,mysql", artifacts="s3://models/a")
    of_another = a_manifest(tmp_path, {}, settings={"HOLDFAST_MODEL": "leavers"})
    newer = a_manifest(tmp_path, {}, schemas={"churn": "9999"})

    assert not [*misfits(Installation(address), manifest)]
    assert [words.split(":")[0] for words in misfits(Installation(address), of_mariadb)] == [
        "the backup's churn store is in mariadb, and .env names postgres",
        "the backup's artifacts are in s3",
    ]
    assert [*misfits(Installation({**address, "HOLDFAST_MODEL": "churn"}), of_another)] == [
        "the backup's model is leavers, and .env names another: set HOLDFAST_MODEL=leavers"
    ]
    assert "of a newer version (revision 9999)" in next(iter(misfits(Installation(address), newer)))


def test_the_churn_store_is_dumped_before_what_its_rows_name() -> None:
    assert OURS.index("churn") < OURS.index("mlflow")


def test_a_second_installation_has_nothing_that_two_cannot_share(tmp_path: Path) -> None:
    secrets = tmp_path / "environment"
    secrets.write_text(
        "COMPOSE_PROJECT_NAME=holdfast\nHOLDFAST_NET=172.29.1\nHOLDFAST_FRONT_PORT=8080\nHOLDFAST_AUDIT_KEY=k\n"
    )
    variables = siblings._variables("second", a_manifest(tmp_path, {}), secrets)

    assert variables["COMPOSE_PROJECT_NAME"] == "second"
    assert variables["HOLDFAST_AUDIT_KEY"] == "k"
    assert "HOLDFAST_NET" not in variables
    assert variables["HOLDFAST_FRONT_PORT"] != "8080"
    assert len({value for name, value in variables.items() if name.endswith("_PORT")}) == len(siblings.PORTS)


def test_a_manifest_names_no_secret() -> None:
    values = {each.name: f"value of {each.name}" for each in VARIABLES}
    settings = Installation(values).settings

    assert settings["HOLDFAST_MODEL"] == "value of HOLDFAST_MODEL"
    assert not [name for name in settings if "PASSWORD" in name or "SECRET" in name or "KEY" in name or "URL" in name]


def test_a_second_installation_without_secrets_is_set_as_the_first_was(tmp_path: Path) -> None:
    manifest = a_manifest(tmp_path, {}, settings={"HOLDFAST_MODEL": "leavers", "HOLDFAST_FRONT_PORT": "8080"})
    variables = siblings._variables("second", manifest, None)

    assert variables["HOLDFAST_MODEL"] == "leavers"
    assert variables["HOLDFAST_FRONT_PORT"] != "8080"


def test_a_copy_of_the_tree_has_its_code_and_none_of_its_state() -> None:
    names = ["backups", ".env", "churn", "__pycache__", ".git", "Makefile"]

    assert siblings._left_behind(str(environment.ROOT), names) == {"backups", ".env", "__pycache__", ".git"}
    assert siblings._left_behind(str(environment.ROOT / "deploy" / "host"), names) == {"__pycache__"}


@pytest.mark.parametrize("name", ["Holdfast", "../x", "", "a b"])
def test_a_name_that_compose_would_not_take_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(HostError, match="can't be the name of a project"):
        siblings.make_sibling(tmp_path / "x", name, manifest=a_manifest(tmp_path, {}), secrets=None)


def test_the_command_says_what_is_wrong_with_a_backup_and_ends_with_1(tmp_path: Path) -> None:
    done = subprocess.run(
        [PYTHON, "-m", "deploy.host", "restore", "--from", str(tmp_path)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {tmp_path} is no complete backup")
