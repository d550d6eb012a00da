import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from churn.bundle.files import CONTRACT, EXPLANATION, GOLDEN, MANIFEST, MODEL, Manifest, digest_of, hash_file, seal
from churn.settings import environment_for_children
from tests.faults.amounts import amount
from tests.faults.doors import ROOT
from tests.faults.tally import tell

pytestmark = pytest.mark.slow

PICKLE = b"cos\nsystem\n(S'touch canary'\ntR."
"""What a loader of pickles would run."""


@dataclass
class Loader:
    """A process that loads bundles."""

    process: subprocess.Popen[str]

    def load(self, folder: Path, digest: str = "") -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{folder} {digest}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip() or f"died: {self.process.wait(timeout=10)}"


@pytest.fixture
def loader(tmp_path: Path) -> Iterator[Loader]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.loader"], cwd=tmp_path, text=True,
        env=environment_for_children(PYTHONPATH=str(ROOT)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with process:
        yield Loader(process)
        assert process.stdin is not None
        process.stdin.close()


def sealed_again(folder: Path) -> None:
    """Do what somebody does who may register: let the manifest agree with what the files are now."""
    manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    seal(folder, manifest.model_copy(update={"sha256": {name: hash_file(folder / name) for name in manifest.sha256}}))


def truncated(folder: Path) -> None:
    (folder / MODEL).write_bytes((folder / MODEL).read_bytes()[:-100])


def swapped(folder: Path) -> None:
    (folder / EXPLANATION).write_bytes((folder / MODEL).read_bytes())


def more(folder: Path) -> None:
    (folder / "model.pkl").write_bytes(PICKLE)


def linked(folder: Path) -> None:
    (folder / GOLDEN).unlink()
    (folder / GOLDEN).symlink_to("/etc/passwd")


def sparse(folder: Path) -> None:
    with (folder / MODEL).open("r+b") as file:
        file.truncate(10 << 30)


def piped(folder: Path) -> None:
    (folder / GOLDEN).unlink()
    os.mkfifo(folder / GOLDEN)


def of_pickles(folder: Path) -> None:
    (folder / MODEL).write_bytes(PICKLE)


def with_a_loader(folder: Path) -> None:
    (folder / "MLmodel").write_text("flavors:\n  python_function:\n    loader_module: os\n    code: canary\n")


def of_another_contract(folder: Path) -> None:
    text = (folder / CONTRACT).read_text(encoding="utf-8")
    (folder / CONTRACT).write_text(text.replace("tenure", "months_here"), encoding="utf-8")


def not_numbers(folder: Path) -> None:
    golden = json.loads((folder / GOLDEN).read_text(encoding="utf-8"))
    for row in golden["rows"]:
        row["probability"] = float("nan")
    (folder / GOLDEN).write_text(json.dumps(golden), encoding="utf-8")


def deep_contract(folder: Path) -> None:
    (folder / CONTRACT).write_text("[" * 20_000, encoding="utf-8")


def exploding_contract(folder: Path) -> None:
    """Ten aliases of ten aliases of ten …: a billion of nodes."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    (folder / CONTRACT).write_text("\n".join(lines), encoding="utf-8")


def without_rows(folder: Path) -> None:
    (folder / GOLDEN).write_text('{"rows": []}', encoding="utf-8")


def not_text(folder: Path) -> None:
    (folder / CONTRACT).write_bytes(b"\xff\xfe\x00")


KINDS: tuple[Callable[[Path], None], ...] = (
    truncated, swapped, more, linked, sparse, piped, of_pickles, with_a_loader, of_another_contract, not_numbers,
    deep_contract, exploding_contract, without_rows, not_text,
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_hostile_bundle_is_refused_also_when_its_manifest_agrees_with_it(
    bundle_folder: Path, tmp_path: Path, loader: Loader, kind: Callable[[Path], None]
) -> None:
    folder = shutil.copytree(bundle_folder, tmp_path / "hostile")
    kind(folder)
    found = [loader.load(folder, digest_of(bundle_folder))]
    if kind not in (sparse, piped):  # what can't be hashed can't be sealed either
        sealed_again(folder)
        found.append(loader.load(folder))

    assert [each for each in found if not each.startswith("refused")] == []
    assert not list(tmp_path.glob("**/canary"))
    tell("T4", f"hostile bundle: {kind.__name__.replace('_', ' ')}", faults=len(found), loaded=0)


def test_no_damage_gets_past_the_digests_and_none_kills_the_loader(
    bundle_folder: Path, tmp_path: Path, loader: Loader
) -> None:
    chooser, outcomes = random.Random(7), Counter[str]()
    names = sorted(path.name for path in bundle_folder.iterdir())
    for number in range(amount("damaged bundles")):
        folder = shutil.copytree(bundle_folder, tmp_path / f"damaged{number}")
        damage(folder / chooser.choice(names), chooser)
        assert loader.load(folder, digest_of(bundle_folder)).startswith("refused")
        try:
            sealed_again(folder)
        except ValueError:  # the manifest itself was damaged
            continue
        outcomes[loader.load(folder).partition(":")[0]] += 1
        shutil.rmtree(folder)

    assert set(outcomes) <= {"refused", "loaded"}, outcomes  # a damaged model card is no harm
    tell("T4", "bundles with random damage, with and without a manifest that agrees", faults=outcomes.total(),
         refused_though_sealed=outcomes["refused"], harmless=outcomes["loaded"])  # fmt: skip


def damage(path: Path, chooser: random.Random) -> None:
    """Cut a file off, or flip some of its bits."""
    content = bytearray(path.read_bytes())
    if chooser.random() < 0.3:
        del content[chooser.randrange(len(content)) :]
    for _ in range(chooser.choice([1, 1, 4, 64])):
        if content:
            content[chooser.randrange(len(content))] ^= 1 << chooser.randrange(8)
    path.write_bytes(bytes(content))
