"""Jenkins, as far as a door needs it: one job can be started with parameters."""

from dataclasses import dataclass

import httpx

from churn.errors import StoreError, UsageError
from services.settings import ServiceSettings

WAIT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Jenkins:
    """One job of a Jenkins, and who may start it.

    Attributes:
        job: its address, as https://jenkins.example/job/holdfast.
    """

    job: str
    user: str
    token: str

    def start(self, version: int, reason: str) -> str:
        """Queue a release of a version; return where Jenkins tells of it, "" when it does not say.

        Raises:
            StoreError: it does not answer, or refuses.
        """
        try:
            answer = httpx.post(
                f"{self.job.rstrip('/')}/buildWithParameters",
                data={"VERSION": str(version), "REASON": reason},
                auth=(self.user, self.token),
                timeout=WAIT_SECONDS,
            )
        except httpx.HTTPError as error:
            raise StoreError(
                f"Jenkins does not answer: {type(error).__name__}; MLflow sends the event again"
            ) from error
        if answer.status_code != httpx.codes.CREATED:
            raise StoreError(f"Jenkins answered {answer.status_code}: see CHURN_JENKINS_URL, its user and its token")
        return str(answer.headers.get("location", ""))


def jenkins_of(settings: ServiceSettings) -> Jenkins:
    """Return the job that the settings name.

    Raises:
        UsageError: they name none.
    """
    if not settings.jenkins_url or not settings.jenkins_user or settings.jenkins_token is None:
        raise UsageError("no Jenkins is known: set CHURN_JENKINS_URL, CHURN_JENKINS_USER and CHURN_JENKINS_TOKEN")
    return Jenkins(settings.jenkins_url, settings.jenkins_user, settings.jenkins_token.get_secret_value())
