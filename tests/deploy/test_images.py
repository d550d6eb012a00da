"""What needs no engine: the recipes, and the small programs that build and ask."""

import io
import re
import runpy
import socket
import tarfile
import threading
import tomllib
from pathlib import Path

import pytest

from deploy.host.failure import HostError
from deploy.host.image_files import listed
from deploy.host.images import IMAGES, chosen, facts
from deploy.images.healthy import is_healthy
from deploy.images.slim import compile_all, remove
from deploy.images.uv_requirement import requirement

ROOT = Path(__file__).parent.parent.parent
RECIPES = sorted((ROOT / "deploy" / "images").glob("*.Dockerfile"))
OPENING = re.compile(r"^FROM (\S+) AS (\S+)$", re.MULTILINE)


def test_each_image_has_a_recipe_and_each_recipe_an_image() -> None:
    assert {image.recipe for image in IMAGES.values()} == {path.stem for path in RECIPES}


@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
def test_a_target_s_stages_stand_before_it_and_begin_with_the_one_pinned_image(image: object) -> None:
    recipe, target = image.recipe, image.target  # type: ignore[attr-defined]
    stages = OPENING.findall((ROOT / f"deploy/images/{recipe}.Dockerfile").read_text(encoding="utf-8"))

    known: list[str] = []
    for origin, name in stages:
        assert origin == "python:3.11-slim" or origin in known
        known.append(name)

    assert target in known


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_needs_no_newer_builder_and_starts_programs_without_a_shell(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert not re.search(r"^RUN --|<<|^# syntax", text, flags=re.MULTILINE)
    assert re.findall(r"^(?:ENTRYPOINT|CMD) (?!\[)", text, flags=re.MULTILINE) == []
    assert "USER 10001:10001" in text


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_code_comes_after_the_packages_so_that_a_change_installs_nothing_again(path: Path) -> None:
    packages, _, rest = path.read_text(encoding="utf-8").partition("uv sync")

    assert rest
    assert not re.search(r"^COPY (?:cli|churn|services|pipelines|monitoring)\b", packages, flags=re.MULTILINE)


def test_a_build_sees_what_is_listed_and_no_secret() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = {line[1:] for line in lines if line.startswith("!")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert [line for line in lines if not line.startswith(("#", "!"))] == ["*", "**/__pycache__"]
    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) <= allowed
    assert allowed.isdisjoint({".", ".env", ".git", "var", "tests"})


def test_the_installer_is_the_lock_s_with_its_hashes() -> None:
    lock = (ROOT / "uv.lock").read_text(encoding="utf-8")
    (uv,) = (package for package in tomllib.loads(lock)["package"] if package["name"] == "uv")

    name, *hashes = requirement(lock).split()

    assert name == f"uv=={uv['version']}"
    assert hashes == [f"--hash={file['hash']}" for file in uv["wheels"]]
    assert hashes


def test_the_entry_point_does_nothing_in_a_process_that_only_reads_it() -> None:
    runpy.run_path(str(ROOT / "deploy/images/entry_point.py"), run_name="__mp_main__")


def test_what_builds_the_wheel_is_pinned_with_hashes() -> None:
    lines = (ROOT / "deploy/images/build-constraints.txt").read_text(encoding="utf-8").splitlines()

    assert all(re.match(r"^[a-z-]+==[0-9.]+ \\$|^    --hash=sha256:[0-9a-f]{64}( \\)?$", line) for line in lines)
    assert any(line.startswith("hatchling==") for line in lines)


def test_unknown_images_are_refused_and_no_name_means_all() -> None:
    assert chosen([]) == list(IMAGES)
    assert chosen(["bento", "holdfast/mlflow"]) == ["holdfast/bento", "holdfast/mlflow"]
    with pytest.raises(HostError, match="no image holdfast/doors: there are serving, bento, mlflow, pipelines"):
        chosen(["doors"])


def test_a_label_s_time_is_the_given_one_and_never_now() -> None:
    found = facts({"SOURCE_DATE_EPOCH": "86400"})

    assert (found["CREATED"], found["SOURCE_DATE_EPOCH"]) == ("1970-01-02T00:00:00Z", "86400")
    assert found["VERSION"] == "0.1.0"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", False),
        (b"200\r\n", False),
        (b"", False),
    ],
)
def test_only_a_200_is_healthy(answer: bytes, expected: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        asked = threading.Thread(target=_answer, args=(server, answer))
        asked.start()
        found = is_healthy(server.getsockname()[1], "/livez")
        asked.join()

    assert found is expected


def _answer(server: socket.socket, answer: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        assert connection.recv(1000).startswith(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1:")
        connection.sendall(answer)


def test_nobody_there_is_not_healthy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    assert not is_healthy(port, "/livez")


def test_tests_and_parts_that_stand_alone_go_and_the_linker_s_name_stays(tmp_path: Path) -> None:
    kept = ("numpy/core.py", "pyarrow/libarrow_python.so.2500", "tests/mine.py")
    gone = (
        "numpy/tests/t.py",
        "numpy/lib/tests/t.py",
        "pyarrow/libarrow_python.so",
        "pyarrow/libarrow_python.so.2500.1.0",
    )
    _write(tmp_path, (*kept, *gone))

    remove(tmp_path)

    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()) == sorted(kept)


def test_bytecode_does_not_depend_on_when_the_source_was_written(tmp_path: Path) -> None:
    _write(tmp_path, ("used/one.py", "unused/one.py"))

    assert compile_all(tmp_path, ["unused"])

    (found,) = tmp_path.rglob("*.pyc")
    assert found.parent.parent.name == "used"
    assert int.from_bytes(found.read_bytes()[4:8], "little") == 0b01  # by hash, and never checked


def _write(folder: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x = 1\n", encoding="utf-8")


def test_files_are_compared_by_mode_owner_and_content_and_not_by_time() -> None:
    first = listed(_tar(b"one", time=1))

    assert listed(_tar(b"one", time=2)) == first
    assert listed(_tar(b"two", time=1)) != first
    assert listed(_tar(b"one", time=1, mode=0o600)) != first


def _tar(content: bytes, *, time: int, mode: int = 0o644) -> io.BytesIO:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in ("etc/hosts", "srv/file"):
            one = tarfile.TarInfo(name)
            one.size, one.mtime, one.mode = len(content), time, mode
            archive.addfile(
                one, io.BytesIO(content if name == "srv/file" else str(time).encode()[:3].ljust(len(content)))
            )
    stream.seek(0)
    return stream
