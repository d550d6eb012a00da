"""The files of a bundle, and the manifest that seals them: sha256 of each, checked before anything is loaded."""

import hashlib
import stat
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from churn.errors import BundleError

MODEL = "model.onnx"
EXPLANATION = "explanation.onnx"
SEGMENTS = "segments.json"
MONTHS = "months.json"
PRIORITY = "priority.json"
CONTRACT = "contract.yaml"
POLICY = "policy.json"
GOLDEN = "golden.json"
REFERENCE = "reference.parquet"
CARD = "model_card.md"
MANIFEST = "manifest.json"

FORMAT = 2
READABLE_FORMATS = (1, 2)
"""1 has no explanation.onnx: it is served as ever, without explanations."""

LARGEST_FILE_BYTES = 1 << 30
"""A bundle's files are read into memory whole; a large one has some megabytes."""

OUTPUT = "churn_probability"
"""Name of the one output of model.onnx."""

ROW_BY_ROW = "row_by_row"
"""Key in the metadata of a model.onnx in which no row's bits depend on another row; older ones lack it."""

CONTRIBUTIONS = "contributions"
"""Name of the one output of explanation.onnx."""


class Sealed(BaseModel):
    """Base of the bundle's JSON files."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Kind = TypeVar("Kind", bound=BaseModel)


class DecisionPolicy(Sealed):
    """How this version turns a probability into a decision."""

    threshold: float
    high_risk_from: float


class GoldenRow(Sealed):
    """A row and the probability that the graph gave when the bundle was made; None and "" stand for missing."""

    row: dict[str, float | str | None]
    probability: float


class GoldenRows(Sealed):
    """The rows that every load is checked with."""

    rows: tuple[GoldenRow, ...]


class Parity(Sealed):
    """How closely the graph equals the training pipeline."""

    rows: int
    max_difference: float


class Additivity(Sealed):
    """How closely a row's contributions add up to the log-odds of its probability."""

    rows: int
    max_difference: float


class Manifest(Sealed):
    """What the bundle is, and the sha256 of each of its files."""

    format: int = FORMAT
    contract: str
    candidate: str
    created_at: str
    training_data_sha256: str
    parity: Parity
    additivity: Additivity | None = None
    """None: the bundle has no explanations."""

    sha256: dict[str, str]


def seal(folder: Path, manifest: Manifest) -> str:
    """Write the manifest and return the bundle's digest, the sha256 of the manifest itself."""
    text = manifest.model_dump_json(indent=2)
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of(folder: Path) -> str:
    """Return the digest of the bundle in a folder.

    Raises:
        BundleError: there is no manifest.
    """
    return hashlib.sha256(_read(folder / MANIFEST)).hexdigest()


def verify(folder: Path, *, digest: str | None = None) -> Manifest:
    """Check every file of a bundle against its manifest, and the manifest against a known digest.

    Raises:
        BundleError: a file is missing, changed or not listed; or the digest differs.
    """
    content = _read(folder / MANIFEST)
    found = hashlib.sha256(content).hexdigest()
    if digest is not None and found != digest:
        raise BundleError(f"the bundle in {folder} has digest {found[:12]}, and {digest[:12]} was registered")
    manifest = parse(Manifest, content, folder / MANIFEST)
    if manifest.format not in READABLE_FORMATS:
        known = " and ".join(map(str, READABLE_FORMATS))
        raise BundleError(f"the bundle in {folder} has format {manifest.format}; this version reads {known}")
    _check_listing(folder, manifest)
    for name, sha256 in manifest.sha256.items():
        if hash_file(folder / name) != sha256:
            raise BundleError(f"{name} in {folder} is not the file that was sealed: fetch the bundle again")
    return manifest


def parse(kind: type[Kind], content: bytes, path: Path) -> Kind:
    """Read one of the bundle's JSON files.

    Raises:
        BundleError: it is not what it should be.
    """
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        raise BundleError(f"{path} can't be read: {error.errors()[0]['msg']}") from error


def hash_file(path: Path) -> str:
    """Return the sha256 of a file's content."""
    return hashlib.sha256(_read(path)).hexdigest()


def _check_listing(folder: Path, manifest: Manifest) -> None:
    present = {path.name for path in folder.iterdir()} - {MANIFEST}
    listed = set(manifest.sha256)
    if present != listed:
        names = ", ".join(sorted(present ^ listed))
        raise BundleError(f"the files in {folder} are not those of its manifest: {names}")
    if any(Path(name).name != name or (folder / name).is_symlink() for name in listed):
        raise BundleError(f"the manifest in {folder} names a file outside its folder")
    for name in listed:
        _require_readable(folder / name)


def _require_readable(path: Path) -> None:
    """Refuse what can't be read to its end, before anything reads it: a pipe, a device, a sparse file of terabytes."""
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST_FILE_BYTES:
        raise BundleError(f"{path} is no file of at most {LARGEST_FILE_BYTES >> 20} MB")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path} can't be read: {error.strerror}") from error
