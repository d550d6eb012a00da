"""Status: where the aliases are and where our log says they are, which versions there are, and who moved what.

Reads:  the registry and the log of moves.
Writes: nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from churn.stores.agreement import Stray, strays
from churn.stores.database import is_current, open_database
from churn.stores.promotions import Promotion, PromotionLog
from churn.stores.registry import ModelRegistry, RegisteredBundle
from pipelines.settings import PipelineSettings


@dataclass(frozen=True, slots=True)
class Status:
    """Where a model's versions are.

    Attributes:
        versions: the newest first.
        history: of moves and registrations, the newest first.
        aliases: version by alias, of all that the registry has.
        unfinished: moves that were prepared and have not ended: their process is at work, or died.
        outside: aliases that somebody moved behind our back.
    """

    model: str
    production: RegisteredBundle | None
    versions: list[RegisteredBundle]
    history: list[Promotion]
    aliases: Mapping[str, int]
    unfinished: list[Promotion]
    outside: list[Stray]


def status(*, settings: PipelineSettings, limit: int = 10) -> Status:
    """Return the state of the model's versions.

    Raises:
        StoreError: the registry or the churn store did not answer.
    """
    registry, engine = ModelRegistry(settings.tracking_uri), open_database(settings.database_url)
    model, moves = settings.model, PromotionLog(engine) if is_current(engine) else None
    return Status(
        model=model,
        production=registry.production(model),
        versions=registry.versions(model),
        history=moves.history(model, limit) if moves else [],
        aliases=registry.aliases(model),
        unfinished=moves.unfinished(model) if moves else [],
        outside=strays(registry, moves, model) if moves else [],
    )
