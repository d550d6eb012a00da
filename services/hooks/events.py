"""Events of MLflow's registry, and which of them ask for a release."""

from pydantic import BaseModel, Field

from services.settings import ServiceSettings


class EventData(BaseModel):
    """What happened to which version."""

    name: str = Field(max_length=256)
    version: str = Field(default="", max_length=20)
    alias: str = Field(default="", max_length=256)


class Event(BaseModel):
    """One event, as MLflow sends it."""

    entity: str = Field(max_length=64)
    action: str = Field(max_length=64)
    data: EventData

    @property
    def words(self) -> str:
        """MLflow's name for the kind of event."""
        return f"{self.entity}.{self.action}"


def version_to_release(event: Event, settings: ServiceSettings) -> int | None:
    """Return the version whose release an event asks for; None when it asks for none."""
    if event.data.name != settings.model or not event.data.version.isdecimal():
        return None
    version = int(event.data.version)
    if event.words == "model_version_alias.created" and settings.webhook_event == "alias":
        return version if event.data.alias == settings.webhook_alias else None
    return version if event.words == "model_version.created" and settings.webhook_event == "version" else None
