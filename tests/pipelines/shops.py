"""A registry with bundles, a home with a log, and no training: for tests of moves."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import mlflow
import pytest

from churn.bundle.files import digest_of
from churn.stores.database import open_migrated
from churn.stores.promotions import Promotion, PromotionLog
from churn.stores.registry import ModelRegistry, RegisteredBundle
from pipelines.register import note_registered
from pipelines.settings import PipelineSettings
from tests.faults.conftest import Logged, Shop, logged, shop_of
from tests.tracking import own_tracking

__all__ = ["counter", "logged"]


@dataclass(frozen=True)
class Counter:
    """A shop, and the home that it is moved from."""

    shop: Shop
    settings: PipelineSettings

    @property
    def registry(self) -> ModelRegistry:
        return self.shop.registry

    @property
    def log(self) -> PromotionLog:
        return PromotionLog(open_migrated(self.settings.database_url))

    @property
    def moves(self) -> list[Promotion]:
        """What was noted of moves, the oldest first."""
        return [one for one in reversed(self.log.history(self.shop.name)) if one.action != "register"]

    def register(self, which: str = "first", *, digest: str | None = None, is_noted: bool = True) -> RegisteredBundle:
        """Make one of the bundles a version, as `churn register` does or as somebody does by hand."""
        digest = digest or digest_of(self.shop.folders[which])
        mlflow.set_tracking_uri(self.shop.uri)
        made = self.registry.register(
            self.shop.name, self.shop.logged[which], run_id=self.shop.run_id, digest=digest, tags={}
        )
        if is_noted:
            note_registered(made, "a test", "made for a test", settings=self.settings)
        return made

    def version(self, number: int) -> RegisteredBundle:
        return self.registry.version(self.shop.name, number)

    @property
    def aliases(self) -> dict[str, int]:
        return self.registry.aliases(self.shop.name)


@pytest.fixture
def counter(logged: Logged, tmp_path: Path) -> Iterator[Counter]:
    """A model of its own with two versions of two bundles, noted; no alias names any."""
    shop = shop_of(logged)
    settings = PipelineSettings.model_validate(
        {"home": tmp_path / "home", "model": shop.name, "tracking": shop.uri, "actor": "a test"}
    )
    with own_tracking():
        found = Counter(shop, settings)
        found.register("first")
        found.register("second")
        yield found
