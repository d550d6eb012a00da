"""Manifests for tests."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.host.backups.manifest import Manifest
from deploy.host.backups.streams import digest_of


def a_manifest(folder: Path, files: Mapping[str, bytes], **changes: Any) -> Manifest:
    """Write files and their manifest into a folder."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    facts: dict[str, Any] = {
        "began": "2026-11-21T23:00:00+00:00",
        "ended": "2026-11-21T23:00:09+00:00",
        "project": "holdfast",
        "profiles": "core",
        "settings": {},
        "store": "postgres",
        "artifacts": "volume",
        "schemas": {},
        "servers": {"postgres": "15.14"},
        "images": {},
        "predictions": 0,
        "moves": 0,
        "spooled": {},
        "is_settled": True,
        "is_anchored": False,
        "has_secrets": False,
        "unpacked_bytes": 0,
        "files": {name: digest_of(folder / name) for name in files},
    }
    manifest = Manifest(**{**facts, **changes})
    manifest.write(folder)
    return manifest
