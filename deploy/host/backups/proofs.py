"""What a restored installation must show before anybody relies on it: nothing is missing, and everything replays."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.host.backups.manifest import Manifest
from deploy.host.compose import compose
from deploy.host.containers import container_of
from deploy.host.failure import HostError

REPLAYED = 1_000
FOREVER = "2000-01-01"
PATIENCE_SECONDS = 120.0
SPOOL = "/var/lib/holdfast/spool"
ANCHOR = "/tmp/anchor.json"  # noqa: S108  of a container, which has nothing else that can be written
OTHER_KEY = "was not signed with the key"
MENDED = "what was under way when the backup was made"

LAST_WORDS = 2000


@dataclass(frozen=True)
class Proof:
    """One thing that was looked at.

    Attributes:
        words: what was found.
        holds: it is as it must be.
    """

    words: str
    holds: bool


def prove(manifest: Manifest, folder: Path) -> list[Proof]:
    """Look at an installation that was restored from a backup and runs; each look is told as it is made."""
    looks: list[Callable[[], Proof]] = [
        lambda: _spools_are_stored(manifest),
        lambda: _log_is_whole(manifest, folder),
        _registry_agrees,
        lambda: _predictions_replay(manifest),
    ]
    return [_told(look) for look in looks]


def _told(look: Callable[[], Proof]) -> Proof:
    try:
        found = look()
    except (HostError, ValueError, KeyError) as error:
        found = Proof(f"{look.__name__.strip('_')}: {error}", holds=False)
    print(f"  {'ok    ' if found.holds else 'FAILED'} {found.words}", flush=True)
    return found


def _spools_are_stored(manifest: Manifest) -> Proof:
    """The doors bring restored segments to SQL and delete them; both are looked at until none is left."""
    until = time.monotonic() + PATIENCE_SECONDS
    while left := sum(len(set(names) & _spooled(home)) for home, names in manifest.spooled.items()):
        if time.monotonic() > until:
            return Proof(f"{left} segments of the doors' spools are not in SQL yet: see the doors' logs", holds=False)
        time.sleep(1)
    return Proof(f"all {sum(map(len, manifest.spooled.values()))} segments of the doors' spools are in SQL", holds=True)


def _spooled(home: str) -> set[str]:
    done = _in(home.removesuffix("-home"), "ls", SPOOL, fine=(0, 2))
    return set(done.split())


def _log_is_whole(manifest: Manifest, folder: Path) -> Proof:
    if not manifest.is_anchored:
        return _verified()
    anchor = json.loads((folder / "anchor.json").read_text(encoding="utf-8"))
    try:
        return _reaches(anchor, "and reach to the backup's anchor")
    except HostError as error:
        if OTHER_KEY not in str(error):
            raise
    words = (
        "and reach to the backup's anchor, whose signature can't be checked: this installation has another audit key"
    )
    return _reaches({**anchor, "signature": ""}, words, "-e", "CHURN_AUDIT_KEY=")


def _reaches(anchor: object, words: str, *before: str) -> Proof:
    compose("exec", "-T", "worker", "sh", "-c", f"cat > {ANCHOR}", input=json.dumps(anchor))
    found = _verified("--anchor", ANCHOR, before=before)
    return Proof(f"{found.words}, {words}", holds=True) if found.holds else found


def _verified(*words: str, before: tuple[str, ...] = ()) -> Proof:
    told = _document("audit", "verify", *words, "--json", before=before, fine=(0, 2))
    if told["findings"]:
        return Proof(f"audit: {'; '.join(map(str, told['findings'][:3]))}", holds=False)
    return Proof(f"audit: {told['predictions']:,} predictions and {told['moves']:,} moves are as recorded", holds=True)


def _registry_agrees() -> Proof:
    mended = _document("reconcile", "--json", "--reason", MENDED)
    if not mended:
        return Proof("reconcile: nothing to mend, log and registry agree", holds=True)
    words = "; ".join(str(one["words"]) for one in mended)
    return Proof(f"reconcile: {words}", holds=all(one["is_mended"] for one in mended))


def _predictions_replay(manifest: Manifest) -> Proof:
    words = ("replay", "--since", FOREVER, "--limit", str(REPLAYED), "--json")
    told = _document(*words, fine=(0, 2, 3))
    wanted, identical = min(REPLAYED, manifest.predictions), int(told["identical"])
    holds = identical >= wanted and not told["different"] and not told["gone"]
    others = (
        "" if holds else f", {told['different']} differ, the version of {told['gone']} is gone, {wanted} were wanted"
    )
    return Proof(f"replay: {identical:,} predictions came out as recorded, bit for bit{others}", holds)


def _document(*words: str, before: tuple[str, ...] = (), fine: tuple[int, ...] = (0,)) -> Any:
    return json.loads(_in("worker", "churn", *words, before=before, fine=fine).strip().splitlines()[-1])


def _in(service: str, *words: str, before: tuple[str, ...] = (), fine: tuple[int, ...] = (0,)) -> str:
    """Return what a command prints in a service's running container."""
    if container_of(service) is None:
        raise HostError(f"{service} does not run: `make up`, then `python3 -m deploy.host restore --prove --from …`")
    done = compose("exec", "-T", *before, service, *words, check=False, capture_output=True)
    if done.returncode not in fine:
        said = (done.stderr or done.stdout).strip()[-LAST_WORDS:]
        raise HostError(f"`{' '.join(words[:3])}` gave exit status {done.returncode} in {service}: {said}")
    return str(done.stdout)
