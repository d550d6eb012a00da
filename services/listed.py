"""What the catalogue holds: read by every worker, so nothing heavy is imported here."""

from pydantic import Field

from services.exchange import Note


class Measure(Note):
    """A measure on customers that training never saw, with its 95 % interval where there is one."""

    value: float
    low: float | None = None
    high: float | None = None


class Listed(Note):
    """One registered version. Moments are ISO-8601 in UTC."""

    version: int
    aliases: tuple[str, ...]
    stage: str = Field(description="production, canary, shadow or none.")
    status: str = Field(description="What the gate said last: registered, passed, refused or overridden.")
    candidate: str
    contract: str
    digest: str
    run_id: str
    registered_at: str
    tags: dict[str, str]
    training_rows: int | None = Field(description="Customers in the table that it was made from.")
    evaluated_at: str | None
    evaluation_rows: int | None = Field(description="Customers held out of training: `metrics` are measured on them.")
    threshold: float | None
    metrics: dict[str, Measure]
    cross_validated: dict[str, Measure] = Field(description="The same measures on training's own out-of-fold scores.")
    money: dict[str, float] = Field(description="What a campaign would earn, out of fold, in the contract's currency.")


class Catalogue(Note):
    """All versions of the model, the newest first."""

    name: str
    production: int | None
    canary: int | None = None
    shadow: int | None
    versions: tuple[Listed, ...]

    def version(self, number: int) -> Listed | None:
        """Return one version; None when it is not listed."""
        return next((one for one in self.versions if one.version == number), None)
