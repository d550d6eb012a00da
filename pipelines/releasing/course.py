"""A release on its way: what each stage needs to know, and how a stage ends."""

from dataclasses import dataclass, field

from sqlalchemy import Engine

from churn.errors import StoreError
from churn.stores.registry import ModelRegistry
from churn.stores.releases import Ending, Release, ReleaseStore
from pipelines.moves import Order
from pipelines.releasing.plan import ReleasePlan
from pipelines.settings import PipelineSettings
from pipelines.tracking import Say
from pipelines.watching.doors import Pages


@dataclass(frozen=True, slots=True)
class End:
    """How a release ended."""

    status: Ending
    words: str


@dataclass(slots=True)
class Course:
    """One release, and where everything is.

    Attributes:
        production: version in production when it was started, or taken up.
        earlier: the doors' pages from before the promotion; empty until then.
    """

    release: Release
    plan: ReleasePlan
    order: Order
    production: int
    settings: PipelineSettings
    engine: Engine
    say: Say
    earlier: Pages = field(default_factory=dict)

    @property
    def version(self) -> int:
        """The version that is released."""
        return self.release.version

    @property
    def registry(self) -> ModelRegistry:
        """Where aliases are."""
        return ModelRegistry(self.settings.tracking_uri)

    def enter(self, stage: str) -> None:
        """Note that a stage begins."""
        store = ReleaseStore(self.engine)
        store.enter(self.release.id, stage)
        self.release = store.get(self.release.id)
        self.say(f"version {self.version}: {stage}")

    def ordered(self, reason: str, *, expected: int | None = None) -> Order:
        """Return an order of this release's, with a reason of its own."""
        return Order(self.order.actor, reason, self.order.is_override, expected)

    def interruption(self) -> End | None:
        """Say whether somebody wants it to end, or made it pointless by moving production."""
        try:
            if ReleaseStore(self.engine).get(self.release.id).status == "stopping":
                return End("stopped", f"somebody stopped it at {self.release.stage}")
            production = self.registry.production(self.settings.model)
        except StoreError:
            return None  # away for a moment: the stage goes on
        if production is None or production.version != self.production:
            now = production.version if production else "nothing"
            return End("stopped", f"production is {now} and was {self.production}: somebody moved it meanwhile")
        return None
