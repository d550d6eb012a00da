"""Packing: makes the Bento, the archive that BentoML serves and puts into containers, from `bentofile.yaml`."""

from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

from churn.errors import ConflictError, UsageError

BENTOFILE = "bentofile.yaml"


@dataclass(frozen=True, slots=True)
class Packed:
    """A Bento in BentoML's store.

    Attributes:
        tag: by which `bentoml serve` and `bentoml containerize` know it.
        archive: the exported file, None when none was wanted.
    """

    tag: str
    folder: Path
    archive: Path | None


def pack(source: Path, *, version: str | None = None, archive: Path | None = None) -> Packed:
    """Build the Bento of a folder of code.

    Args:
        source: folder with `bentofile.yaml`.
        version: of the Bento; None: BentoML makes one of the time and the content.
        archive: also export it into this file, `.bento`.

    Raises:
        UsageError: the folder holds no code of ours, or the version is no good.
        ConflictError: the store has a Bento of this version.
    """
    if not (source / BENTOFILE).is_file():
        raise UsageError(f"{source.resolve()} has no {BENTOFILE}: run this at the repository's root, or give --source")
    from bentoml import bentos  # noqa: PLC0415  takes seconds
    from bentoml.exceptions import BentoMLException  # noqa: PLC0415

    try:
        with chdir(source):  # BentoML reads nothing outside of where it stands
            made = bentos.build_bentofile(BENTOFILE, version=version, build_ctx=".")
    except (BentoMLException, ValueError) as error:
        problem = ConflictError if "already exists" in str(error) else UsageError
        raise problem(f"the Bento was not built: {error}") from error
    return Packed(str(made.tag), Path(made.path), _export(made, archive))


def _export(bento: object, archive: Path | None) -> Path | None:
    if archive is None:
        return None
    place = archive.resolve()  # a relative one would begin at the root of the disk
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    return Path(bento.export(str(place)))  # type: ignore[attr-defined]
