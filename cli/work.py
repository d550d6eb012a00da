"""`churn work`: do the jobs that the doors queue."""

from typing import TYPE_CHECKING, Annotated

import typer

from churn.errors import UsageError

if TYPE_CHECKING:
    from pipelines.work import Runner

TAKEN = 75
"""Exit status (EX_TEMPFAIL): another `churn work --until-empty` of this home is at it."""

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def work(
    once: Annotated[bool, typer.Option("--once", help="Do one job, if there is one, and end.")] = False,
    until_empty: Annotated[
        bool, typer.Option("--until-empty", help="End when no job is left; one such process per home.")
    ] = False,
    attached: Annotated[bool, typer.Option("--attached", hidden=True, help="End when standard input ends.")] = False,
) -> None:
    """Retrain, activate and score as the doors' users ask, one job after the other, until SIGTERM."""
    from contextlib import nullcontext

    from churn.settings import Settings
    from churn.stores.file_locks import exclusive

    lock = exclusive(Settings().home.resolve() / "work.lock") if until_empty else nullcontext(enter_result=True)
    with lock as is_the_one:
        if not is_the_one:
            raise typer.Exit(TAKEN)
        _run(once=once, until_empty=until_empty, attached=attached)


def _run(*, once: bool, until_empty: bool, attached: bool) -> None:
    from churn.settings import Settings
    from cli import console
    from cli.pulse import pulse

    runner = _runner(attached=attached)
    if not once:
        with pulse(None if until_empty or attached else Settings().pulse):
            runner.run(until_empty=until_empty)
        return
    job = runner.run_one()
    console.out.print(f"{job.kind} {job.job_id}: {job.problem or job.words}" if job else "no job waits", markup=False)


def _runner(*, attached: bool) -> "Runner":
    from services.logs import configure_logs
    from services.settings import ServiceSettings

    configure_logs("work", ServiceSettings().log_format)
    try:
        from pipelines.jobs.stopping import Stopping
        from pipelines.settings import PipelineSettings
        from pipelines.work import Runner
    except ImportError as error:
        raise UsageError(
            f"this environment can't do jobs, it lacks {error.name}: run `churn work` where the libraries that train "
            "are installed; queued jobs wait for it"
        ) from error
    stopping = Stopping().install()
    if attached:
        stopping.follow_parent()
    return Runner(PipelineSettings(), stopping)
