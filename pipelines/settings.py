"""Settings of the pipelines: the common ones, and what `mlflow run` hands over."""

from getpass import getuser

from pydantic import AliasChoices, Field

from churn.settings import Settings


class PipelineSettings(Settings):
    """Where the pipelines read and write."""

    given_run_id: str | None = Field(default=None, validation_alias=AliasChoices("MLFLOW_RUN_ID"))
    """The run that `mlflow run` opened for this process; it lives where MLFLOW_TRACKING_URI says."""

    given_tracking_uri: str | None = Field(default=None, validation_alias=AliasChoices("MLFLOW_TRACKING_URI"))

    actor: str = Field(
        default_factory=getuser, validation_alias=AliasChoices("CHURN_ACTOR", "BUILD_USER_ID", "USER", "LOGNAME")
    )
    """Who is noted in the audit when `--actor` is not given."""

    build_url: str | None = Field(default=None, validation_alias=AliasChoices("CHURN_BUILD_URL", "BUILD_URL"))
    """Page of the build that promotes, kept with the version; Jenkins sets it."""

    staging_port: int = Field(default=3900, ge=1, le=65535)
    """Port of the door that `churn staging` starts."""

    @property
    def tracking_uri(self) -> str:
        """MLflow's address; a run that was handed over can only be found where it was opened."""
        if self.given_run_id and self.given_tracking_uri:
            return self.given_tracking_uri
        return super().tracking_uri
