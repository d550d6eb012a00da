"""`churn replay`: compute recorded predictions again from their inputs and version, bit for bit."""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from churn.errors import UsageError
from cli import console
from cli.options import JsonOption

if TYPE_CHECKING:
    from churn.scoring.prediction import Prediction
    from churn.scoring.replaying import Difference
    from pipelines.replay import Replay, VersionReplay

app = typer.Typer(add_completion=False, rich_markup_mode=None)

DIFFERENT = 2
GONE = 3


@app.command()
def command(
    *,
    prediction: Annotated[str | None, typer.Option("--prediction", help="One prediction, by its id.")] = None,
    since: Annotated[
        datetime | None, typer.Option(help="All that were recorded from this moment on, in this machine's time.")
    ] = None,
    until: Annotated[datetime | None, typer.Option(help="And before this one.")] = None,
    version: Annotated[int | None, typer.Option(help="Only what this version answered.", min=1)] = None,
    limit: Annotated[int | None, typer.Option(help="At most so many, the newest first.", min=1)] = None,
    as_json: JsonOption = False,
) -> None:
    """Compute recorded predictions again from their inputs and version, bit for bit.

    Exit status: 0 all came out as recorded, 2 one did not, 3 none differed, but a version is gone.
    """
    from pipelines.replay import Question, replay, replay_one
    from pipelines.settings import PipelineSettings

    settings, one = PipelineSettings(), None
    if (prediction is None) == (since is None):
        raise UsageError("say what to replay: --prediction ID, or --since TIME (thousands at once)")
    if prediction is not None:
        if until or version or limit:
            raise UsageError("--prediction names one prediction: --until, --version and --limit go with --since")
        one, found = replay_one(prediction, settings=settings)
    else:
        question = Question(_moment(since), _moment(until), version, limit)
        found = replay(question, settings=settings, say=console.progress)
    text = orjson.dumps(_document(found)).decode() if as_json else "\n".join(_lines(found, one))
    console.out.print(text, markup=False)
    if found.different or found.gone:
        raise typer.Exit(DIFFERENT if found.different else GONE)


def _moment(given: datetime | None) -> datetime | None:
    return None if given is None else given.astimezone()


def _document(found: "Replay") -> dict[str, object]:
    totals = {"identical": found.identical, "different": found.different, "gone": found.gone}
    return {**asdict(found), **totals}


def _lines(found: "Replay", one: "Prediction | None") -> list[str]:
    if one is not None:
        return _lines_of_one(found, one)
    if not found.versions:
        return [f"no prediction of {found.model} is on record in this time"]
    total = sum(each.asked for each in found.versions)
    identical = f"{found.identical:,} of {total:,} predictions of {found.model} came out as recorded, bit for bit"
    pace = f"{total / found.seconds:,.0f} a second" if found.seconds else "at once"
    return [f"{identical} ({found.seconds:.1f} s, {pace})", *(line for each in found.versions for line in _told(each))]


def _told(seen: "VersionReplay") -> list[str]:
    if seen.gone:
        return [f"  version {seen.version}: {seen.asked:,} can't be replayed: {seen.gone}"]
    parts = {
        "other in the last bits": seen.last_bits,
        "other": seen.changed,
        "other in another field": seen.other_fields,
        "unreadable": seen.unreadable,
    }
    said = "".join(f", {number:,} {words}" for words, number in parts.items() if number)
    largest = f", at most {seen.largest:.1e} apart" if seen.largest else ""
    head = f"  version {seen.version} ({seen.digest[:12]}): {seen.identical:,} identical{said}{largest}"
    return [head, *(f"    {_difference(each)}" for each in seen.first)]


def _lines_of_one(found: "Replay", one: "Prediction") -> list[str]:
    (seen,) = found.versions
    head = (
        f"prediction {one.prediction_id}: {one.probability!r} by version {one.model_version} of {one.model_name} "
        f"({one.role}, {one.door}) at {one.predicted_at}"
    )
    if seen.gone:
        return [head, f"  can't be replayed: {seen.gone}"]
    if seen.identical:
        return [head, f"  the same in every bit, from its recorded inputs and bundle {seen.digest[:12]}"]
    return [head, *(f"  {_difference(each)}" for each in seen.first)]


def _difference(each: "Difference") -> str:
    if each.field == "inputs":
        return f"{each.prediction_id}: its inputs can't be read: {each.found}"
    apart = f", {each.apart:.1e} apart" if each.apart else ""
    return f"{each.prediction_id}: {each.field} is recorded as {each.recorded!r} and comes out as {each.found!r}{apart}"
