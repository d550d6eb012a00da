"""Every place at which a process is killed: its work, the function, before or after, at which call."""

from dataclasses import dataclass

BOTH = (False, True)


@dataclass(frozen=True)
class Point:
    """One kill."""

    work: str
    function: str
    is_after: bool
    call: int = 1

    def __str__(self) -> str:
        return f"{self.work}: {'after' if self.is_after else 'before'} {self.function.partition(':')[2]} {self.call}"


FUNCTIONS: dict[str, dict[str, tuple[int, ...]]] = {
    "record": {
        "churn.stores.segments:Segment.create": (1, 2),
        "churn.stores.segments:Segment.append": (1, 17, 40),
        "os:write": (1, 40),
        "os:writev": (1, 23),
        "churn.stores.segments:Segment.sync": (1, 3),
        "churn.stores.segments:Segment.close": (1, 2),
        "os:close": (1,),
    },
    "relay": {
        "churn.stores.predictions:PredictionStore.add": (1, 2),
        "sqlalchemy.engine.default:DefaultDialect.do_commit": (1, 2),
        "churn.stores.relay:save_offsets": (1, 2, 3),
        "pathlib:Path.write_bytes": (1,),
        "pathlib:Path.replace": (1, 2),
        "churn.stores.relay:Relay._delete": (1, 2),
        "pathlib:Path.unlink": (1, 2),
    },
    "mirror": {
        "churn.stores.registry:ModelRegistry.aliased": (1,),
        "churn.stores.registry:ModelRegistry.fetch_bundle": (1,),
        "mlflow.artifacts:download_artifacts": (1,),
        "churn.stores.registry:verify": (1, 2),
        "pathlib:Path.rename": (1,),
        "services.mirror:load_scorer": (1,),
        "services.mirror:write_note": (1,),
        "pathlib:Path.write_text": (1,),
        "pathlib:Path.replace": (1,),
        "services.mirror:Mirror._prune": (1,),
    },
    "roll back": {
        "churn.stores.leases:_take": (1,),
        "churn.stores.promotions:PromotionLog.prepare": (1,),
        "churn.stores.leases:Lease.check": (1,),
        "churn.stores.registry:ModelRegistry.move_alias": (1,),
        "mlflow:MlflowClient.set_registered_model_alias": (1,),
        "churn.stores.promotions:PromotionLog.finish": (1,),
        "churn.stores.registry:ModelRegistry.mirror_stage": (1,),
        "churn.stores.leases:_release": (1,),
    },
    "promote": {
        "churn.stores.leases:_take": (1,),
        "pipelines.prove:prove_folder": (1,),
        "churn.stores.promotions:PromotionLog.prepare": (1,),
        "mlflow:MlflowClient.set_registered_model_alias": (1,),
        "churn.stores.promotions:PromotionLog.finish": (1,),
        "churn.stores.registry:ModelRegistry.mirror_stage": (1,),
    },
    "give an alias": {
        "mlflow:MlflowClient.set_model_version_tag": (2,),
        "mlflow:MlflowClient.set_registered_model_alias": (1,),
        "churn.stores.promotions:PromotionLog.finish": (1,),
        "churn.stores.registry:ModelRegistry.untag": (1,),
    },
    "take an alias": {
        "mlflow:MlflowClient.delete_registered_model_alias": (1,),
        "churn.stores.registry:ModelRegistry.untag": (1,),
    },
    "score a file": {
        "pipelines.score_output:ScoreFile.write": (1, 2, 4),
        "pipelines.score_output:_write_rejected": (1, 3),
        "pipelines.score_output:ScoreFile._write_progress": (1, 4),
        "pathlib:Path.rename": (2, 5, 6),
        "pathlib:Path.unlink": (1,),
    },
    "score a table": {
        "churn.stores.score_table:ScoreTable.upsert": (1, 2, 4),
        "churn.stores.score_table:ScoreTable._mark": (1, 2),
        "churn.stores.score_table:ScoreTable.finish": (1,),
        "pipelines.score_output:_write_rejected": (1, 3),
    },
    "job": {
        "churn.stores.jobs:JobStore.claim": (1,),
        "churn.stores.jobs:_set": (1,),
        "pipelines.work:Runner._do": (1,),
        "churn.stores.jobs:JobStore.finish": (1,),
        "churn.stores.jobs:JobStore._change": (1,),
    },
}
POINTS = [
    Point(work, function, is_after, call)
    for work, functions in FUNCTIONS.items()
    for function, calls in functions.items()
    for call in calls
    for is_after in BOTH
]


def points_of(*works: str) -> list[Point]:
    """Return those of some works."""
    return [point for point in POINTS if point.work in works]
