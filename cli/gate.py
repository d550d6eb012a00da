"""`churn gate`: judge a version against production without moving anything: promote, hold or reject, and why."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.options import ActorOption, JsonOption

if TYPE_CHECKING:
    from churn.evaluation.gate import Verdict

STATUS = {"promote": 0, "reject": 2, "hold": 3}
"""Exit status of `churn gate` and `churn promote` by what the gate said."""

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def gate(
    version: Annotated[int, typer.Option("--version", help="Version to judge; 0 takes the newest.", min=0)] = 0,
    actor: ActorOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge a version against production; nothing moves. Exit status 0: promote, 2: reject, 3: hold."""
    from churn.evaluation.gate import Gate
    from churn.stores.registry import ModelRegistry
    from pipelines.gate import judge_version
    from pipelines.parameters import read_parameters
    from pipelines.registered import candidate_of
    from pipelines.settings import PipelineSettings
    from pipelines.tracking import open_tracking

    settings = PipelineSettings()
    open_tracking(settings)
    registry = ModelRegistry(settings.tracking_uri)
    candidate, production = candidate_of(registry, settings.model, version or None), registry.production(settings.model)
    bounds = read_parameters("gate", Gate)
    judged = judge_version(candidate, production, bounds, settings=settings, actor=actor)
    if as_json:
        named = {"model": candidate.name, "version": candidate.version, "report": judged.report}
        console.out.print(_json(named, judged.verdict), markup=False)
    else:
        beside = f" beside version {production.version}" if production else ", with nothing in production"
        console.out.print(f"{candidate.name} version {candidate.version}{beside}", markup=False)
        show(judged.verdict)
        console.out.print(f"kept at {judged.report}" if judged.report else "", markup=False)
    raise typer.Exit(STATUS[judged.verdict.decision])


def show(verdict: "Verdict", *, is_error: bool = False) -> None:
    """Print a verdict for people: the decision first, then why, then each guard."""
    from pipelines.gating.words import lines_of

    for line in lines_of(verdict):
        (console.err if is_error else console.out).print(line, markup=False)


def _json(named: dict[str, object], verdict: "Verdict") -> str:
    from dataclasses import asdict

    import orjson

    facts = {**named, "passed": verdict.passed, **asdict(verdict)}
    return orjson.dumps(facts, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY).decode()
