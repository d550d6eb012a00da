"""A front whose routes are all that were decided, around an application that says who got through."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Engine
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from churn.stores.api_keys import ApiKeyStore
from churn.stores.database import open_database, open_migrated
from churn.stores.roles import ROLES, Role
from churn.stores.users import UserStore
from services.access.desk import Desk
from services.access.signing import signing_keys
from services.access.tokens import Tokens
from services.api.access import RULES, Rule
from services.api.body import BodyLimit
from services.api.front import Front
from services.api.guard import Guard
from services.settings import ServiceSettings
from services.stores import Stores

PASSWORD = "correct horse battery"
UNHURRIED = {"requests_per_minute": 1_000_000, "sign_ins_per_minute": 1_000_000}


def access_settings(home: Path, **changes: Any) -> ServiceSettings:
    return ServiceSettings(home=home, attended=False, **{**UNHURRIED, **changes})


def open_store(settings: ServiceSettings) -> Engine:
    """A migrated store with one user of each role, named as the role."""
    settings.home.mkdir(parents=True, exist_ok=True)
    (settings.home / "churn.db").write_bytes(_prepared())
    return open_database(settings.database_url)


@cache
def _prepared() -> bytes:
    """Made once: hashing four passwords and making the tables takes most of a short test's time."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "churn.db"
        engine = open_migrated(f"sqlite:///{file}")
        users = UserStore(engine)
        for role in ROLES:
            users.add(role, PASSWORD, role=role)
        engine.dispose()
        return file.read_bytes()


def token_of(settings: ServiceSettings, engine: Engine, name: str) -> str:
    found = UserStore(engine).find(name)
    assert found is not None
    return Tokens(signing_keys(settings), minutes=settings.token_minutes).issue(name, mark=found.tokens_from)


def key_of(engine: Engine, role: Role, *, days: int | None = 90) -> str:
    return ApiKeyStore(engine).issue(f"for a {role}", role=role, created_by="test", days=days)[1]


def bearer(text: str) -> dict[str, str]:
    return {"authorization": f"Bearer {text}"}


def desk_of(settings: ServiceSettings) -> Desk:
    return Desk(settings, Stores(settings))


def guarded(desk: Desk) -> Front:
    """The front and the guard as they are, around an application that answers every route with who asks."""
    settings = desk.settings
    limits = dict.fromkeys(("one", "batch", "upload"), BodyLimit(settings.upload_bytes))
    rules = {(rule.method, rule.path): rule for rule in RULES}
    return Front(_SaysWho(desk), "fastapi", rules=rules, shortcuts={}, admit=Guard(desk).admit, body_limits=limits)


def path_of(rule: Rule) -> str:
    """A path that the rule's template matches."""
    fill: Callable[[str], str] = lambda part: "1" if part.startswith("{") else part  # noqa: E731
    return "/".join(map(fill, rule.path.split("/")))


class _SaysWho:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        subject = scope.get("churn_subject")
        await JSONResponse({"name": subject.name if subject else None})(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await self._desk.close()
        await send({"type": "lifespan.shutdown.complete"})
