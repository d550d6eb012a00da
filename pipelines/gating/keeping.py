"""Keeping: a verdict stays with the version's training run, on the version, and in the SQL store."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow
import numpy as np
import orjson
import pandas as pd
from mlflow.exceptions import MlflowException
from sqlalchemy import Engine

from churn.errors import StoreError
from churn.evaluation.gate import Contender, Evidence, Gate, Verdict
from churn.evaluation.gate_plots import gate_plot
from churn.scoring.prediction import utc_now
from churn.stores.gate_verdicts import GateVerdictStore, NewVerdict
from churn.stores.registry import ModelRegistry, RegisteredBundle
from pipelines.gating.evidence import Case
from pipelines.gating.words import markdown_of
from pipelines.seen import Named

FOLDER = "gate"
STATUS = {"promote": "passed", "hold": "held", "reject": "refused"}


@dataclass(frozen=True, slots=True)
class Reached:
    """A verdict that is to be kept.

    Attributes:
        production: what was in production then; None: nothing.
        gate: what the version was held to.
        case: what was judged; None when it could not be gathered.
        evidence: None when there were too few rows to judge, or as above.
        metrics: of the candidate, and of production, on the rows.
    """

    candidate: RegisteredBundle
    production: RegisteredBundle | None
    gate: Gate
    verdict: Verdict
    actor: str
    case: Case | None = None
    evidence: Evidence | None = None
    metrics: Mapping[str, float] | None = None

    @property
    def title(self) -> str:
        """What was judged, in words."""
        beside = f" beside version {self.production.version}" if self.production else ", with nothing in production"
        return f"{self.candidate.name} version {self.candidate.version}{beside}"


def keep(reached: Reached, *, registry: ModelRegistry, engine: Engine) -> str:
    """Keep a verdict, and return the address of its files; "" when the version has no training that could keep them.

    Raises:
        StoreError: a store does not answer: a verdict that nobody can look up again is none.
    """
    at = utc_now()
    report = "" if reached.case is None else _log(reached, reached.case, at)
    registry.tag(reached.candidate, dict(_tags(reached.verdict, at, report)))
    GateVerdictStore(engine).add(_row(reached, report))
    return report


def _log(reached: Reached, case: Case, at: str) -> str:
    """Write the files into a folder of their own: a version may be judged again, and what was said stays."""
    folder = f"{FOLDER}/v{reached.candidate.version}-{at[:19].replace(':', '').replace('-', '')}"
    with TemporaryDirectory() as scratch:
        _write(Path(scratch), reached, case, at)
        try:
            mlflow.MlflowClient().log_artifacts(case.candidate.run.info.run_id, scratch, folder)
        except (MlflowException, OSError) as error:
            text = str(error).splitlines()[0][:300]
            raise StoreError(f"MLflow can't keep the verdict of {reached.title}: {text}") from error
    return f"{case.candidate.run.info.artifact_uri}/{folder}"


def _write(folder: Path, reached: Reached, case: Case, at: str) -> None:
    (folder / "verdict.json").write_bytes(_json(reached, case, at))
    (folder / "verdict.md").write_text(markdown_of(reached.verdict, reached.title), encoding="utf-8")
    if reached.evidence is not None:
        _rows(case, reached.evidence).to_parquet(folder / "rows.parquet", index=False)
        gate_plot(reached.evidence, reached.verdict, reached.title).savefig(folder / "profit.png")


def _json(reached: Reached, case: Case, at: str) -> bytes:
    facts = {
        "model": reached.candidate.name,
        "version": reached.candidate.version,
        "digest": reached.candidate.digest,
        "production": reached.production.version if reached.production else None,
        "at": at,
        "actor": reached.actor,
        "passed": reached.verdict.passed,
        **asdict(reached.verdict),
        "metrics": dict(reached.metrics or {}),
        "rows_words": case.unseen.words,
        "gate": reached.gate.model_dump(),
        "limits": case.limits.model_dump(),
    }
    return orjson.dumps(facts, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY)


def _rows(case: Case, evidence: Evidence) -> pd.DataFrame:
    """Return the rows that were judged on; customers are digests, as in the run's record of whom its training saw."""
    names = Named(case.unseen.ids, case.unseen.groups).digests(case.candidate.run.info.run_id)
    own = {"churned": evidence.rows.target, "earned": evidence.rows.earned}
    return pd.DataFrame(
        {
            "customer": names["customer"],
            "group": names["group"],
            **own,
            **dict(_columns("candidate", evidence.candidate)),
            **(dict(_columns("production", evidence.production)) if evidence.production else {}),
        }
    )


def _columns(name: str, contender: Contender) -> Iterator[tuple[str, np.ndarray]]:
    yield f"{name}_probability", contender.probability
    yield f"{name}_promised", contender.promised
    yield f"{name}_at_risk", contender.probability >= contender.threshold


def _tags(verdict: Verdict, at: str, report: str) -> Iterator[tuple[str, str]]:
    yield "validation_status", STATUS[verdict.decision]
    yield "gate_decision", verdict.decision
    yield "gate_at", at
    yield "gate_rows", str(verdict.rows)
    yield "gate_report", report
    test = verdict.profit
    # A tag of an earlier verdict must not stay when this one measured nothing.
    yield "gate_profit_difference", f"{test.difference:.4f}" if test else ""
    yield "gate_profit_interval", f"{test.low:.4f} to {test.high:.4f}" if test else ""


def _row(reached: Reached, report: str) -> NewVerdict:
    verdict, test = reached.verdict, reached.verdict.profit
    return NewVerdict(
        model_name=reached.candidate.name,
        version=reached.candidate.version,
        production_version=reached.production.version if reached.production else None,
        decision=verdict.decision,
        reasons=verdict.reasons,
        rows=verdict.rows,
        profit_difference=float(test.difference) if test else None,
        profit_low=float(test.low) if test else None,
        profit_high=float(test.high) if test else None,
        labels_needed=test.labels_needed if test else None,
        actor=reached.actor,
        report=report,
    )
