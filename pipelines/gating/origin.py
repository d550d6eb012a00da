"""Origin: is the version what its training logged, made from the data that its tags say, and for the same customers?"""

from collections.abc import Iterator

from churn.contract.compatibility import incompatibilities
from churn.evaluation.gate import Guard
from pipelines.gating.sides import Side
from pipelines.holdout import Holdout
from pipelines.training_log import HOLDOUT, HOLDOUT_DIGEST


def origin_guard(candidate: Side, holdout: Holdout) -> Guard:
    """Hold the fingerprints of data, bundle and held-out rows against what was logged."""
    problems = tuple(_problems(candidate, holdout))
    if problems:
        return Guard("fingerprint", "failed", f"fingerprint: {'; '.join(problems)}", {"problems": float(len(problems))})
    digest = candidate.manifest.training_data_sha256[:12]
    return Guard("fingerprint", "passed", f"made from the data {digest}, as its training logged", {"problems": 0})


def contract_guard(candidate: Side, production: Side | None) -> Guard:
    """Say whether production's clients are served by the candidate's contract too."""
    if production is None:
        return Guard("contract", "passed", "nothing is in production whose clients it would have to serve")
    found = incompatibilities(production.scorer.contract, candidate.scorer.contract)
    whose = f"clients of version {production.bundle.version}"
    if found:
        words = f"contract: {whose} would not be served: {'; '.join(found)}"
        return Guard("contract", "failed", words, {"problems": float(len(found))})
    return Guard("contract", "passed", f"{whose} are served by its contract too", {"problems": 0.0})


def _problems(candidate: Side, holdout: Holdout) -> Iterator[str]:
    logged, version = candidate.run.data.tags, candidate.bundle
    data, made_from = logged["dataset_digest"], candidate.manifest.training_data_sha256
    if made_from != data:
        yield f"the bundle was made from the data {made_from[:12]}, its run from {data[:12]}"
    if (said := version.tags.get("dataset_digest", data)) != data:
        yield f"the version's tag names the data {said[:12]}, its run {data[:12]}"
    if (bundle := logged["bundle_digest"]) != version.digest:
        yield f"its run logged the bundle {bundle[:12]}, and {version.digest[:12]} is registered"
    if logged.get(HOLDOUT_DIGEST, holdout.sha256) != holdout.sha256:
        yield f"{HOLDOUT} is not the file that the training logged"
