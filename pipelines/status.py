"""Status: which version is in production, which others there are, and who moved what.

Reads:  the registry and the audit of promotions.
Writes: nothing.
"""

from dataclasses import dataclass

from churn.stores.database import is_current, open_database
from churn.stores.promotions import Promotion, PromotionLog
from churn.stores.registry import ModelRegistry, RegisteredBundle
from pipelines.settings import PipelineSettings


@dataclass(frozen=True, slots=True)
class Status:
    """Versions (newest first), the one in production, and the audit (newest first)."""

    model: str
    production: RegisteredBundle | None
    versions: list[RegisteredBundle]
    history: list[Promotion]


def status(*, settings: PipelineSettings, limit: int = 10) -> Status:
    """Return the state of the model's versions."""
    registry = ModelRegistry(settings.tracking_uri)
    engine = open_database(settings.database_url)
    history = PromotionLog(engine).history(settings.model, limit) if is_current(engine) else []
    return Status(settings.model, registry.production(settings.model), registry.versions(settings.model), history)
