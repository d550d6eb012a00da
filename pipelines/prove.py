"""Prove: load a version's bundle in a process of its own before any alias names it, and see that it answers.

Reads:  the version's bundle, downloaded and verified; our log's note of its registration.
Writes: the bundle's copy on this disk.
"""

import signal
import subprocess
import sys

from pydantic import ValidationError

from churn.errors import BundleError
from churn.settings import environment_for_own_children
from churn.stores.promotions import PromotionLog
from churn.stores.registry import ModelRegistry, RegisteredBundle
from pipelines.proof import Claim, Limits, Proof
from pipelines.settings import PipelineSettings

TIMEOUT_SECONDS = 180.0


def prove(bundle: RegisteredBundle, *, registry: ModelRegistry, log: PromotionLog, settings: PipelineSettings) -> Proof:
    """Make sure that a version is what was registered, loads, and gives its golden answers and only probabilities.

    Raises:
        BundleError: it is not, or does not.
    """
    _require_digest(bundle)
    log.require_registered(bundle.name, bundle.version, bundle.digest)
    return prove_bundle(bundle, registry=registry, settings=settings)


def prove_bundle(bundle: RegisteredBundle, *, registry: ModelRegistry, settings: PipelineSettings) -> Proof:
    """As `prove`, for a version that our log need not know."""
    _require_digest(bundle)
    folder = registry.fetch_bundle(bundle, settings.bundle_folder / bundle.digest)
    return prove_folder(Claim(folder=folder, name=bundle.name, version=bundle.version, digest=bundle.digest))


def prove_folder(claim: Claim) -> Proof:
    """Let a process with little room load a bundle and score its own sample.

    Raises:
        BundleError: it does not hold, or the process did not survive it.
    """
    try:
        child = subprocess.run(
            [sys.executable, "-m", "pipelines.proof"], input=claim.model_dump_json(), env=_environment(), text=True,
            capture_output=True, timeout=TIMEOUT_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise BundleError(f"{_named(claim)} was not loaded within {TIMEOUT_SECONDS:.0f} seconds") from error
    if child.returncode:
        raise BundleError(f"{_named(claim)} can't be loaded: {_end_of(child, claim.limits)}")
    try:
        proof = Proof.model_validate_json(child.stdout)
    except ValidationError as error:
        raise BundleError(f"{_named(claim)} can't be proven: loading it wrote to standard output") from error
    if proof.problem:
        raise BundleError(f"{_named(claim)} does not hold: {proof.problem}")
    return proof


def _require_digest(bundle: RegisteredBundle) -> None:
    if not bundle.digest:
        raise BundleError(
            f"version {bundle.version} of {bundle.name} carries no digest: it was not made by `churn register`"
        )


def _environment() -> dict[str, str]:
    return {**environment_for_own_children(), "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"}


def _named(claim: Claim) -> str:
    return f"the bundle of version {claim.version} of {claim.name}"


def _end_of(child: "subprocess.CompletedProcess[str]", limits: Limits) -> str:
    """Say how a child ended; most that are killed here used more than they may."""
    if child.returncode < 0:
        may = f"it may use {limits.memory_bytes >> 20} MiB and {limits.cpu_seconds} processor seconds"
        return f"its process was ended by {signal.Signals(-child.returncode).name} ({may})"
    lines = child.stderr.strip().splitlines() or ["it said nothing"]
    return f"its process ended with {child.returncode}: {lines[-1][:300]}"
