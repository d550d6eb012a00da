"""What `churn user` and `churn key` share: the migrated store, and an audit line for each change."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from churn.errors import UsageError
from churn.stores.roles import ROLES, Role

if TYPE_CHECKING:
    from sqlalchemy import Engine

RoleOption = Annotated[str, typer.Option("--role", help=f"What they may do: {', '.join(ROLES)}.")]


@dataclass(frozen=True, slots=True)
class People:
    """The store of users and keys, and who changes it."""

    engine: "Engine"
    actor: str

    def note(self, action: str, subject: str, details: Mapping[str, object] | None = None) -> None:
        """Keep what was changed."""
        from churn.stores.admin_actions import AdminLog, Deed

        AdminLog(self.engine).add(Deed(self.actor, action, subject, "done"), details)


def open_people(actor: str | None) -> People:
    """Open the store, with its tables made when they are not there yet."""
    from churn.stores.database import open_migrated
    from pipelines.settings import PipelineSettings

    settings = PipelineSettings()
    engine = open_migrated(settings.database_url)
    return People(engine, f"cli:{actor or settings.actor}")


def role_of(text: str) -> Role:
    """Read a role.

    Raises:
        UsageError: there is none of this name.
    """
    for role in ROLES:
        if role == text:
            return role
    raise UsageError(f"there is no role {text!r}: choose {', '.join(ROLES)}")
