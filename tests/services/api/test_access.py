from collections.abc import Iterator

import pytest
from starlette.routing import BaseRoute, Mount, Route

from services.api.access import RULES, UndecidedRouteError, rules_for
from services.api.app import create_app
from services.api.front import Front
from services.settings import ServiceSettings
from services.worker import Worker


@pytest.fixture
def front(settings: ServiceSettings) -> Iterator[Front]:
    app = create_app(Worker("fastapi", settings), owns_worker=False)
    assert isinstance(app, Front)
    return app


def test_every_route_of_the_door_has_an_access_decision_and_every_decision_a_route(front: Front) -> None:
    assert set(front.rules.values()) == set(RULES)


def test_no_route_is_decided_twice() -> None:
    assert len({(rule.method, rule.path) for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("route", [Route("/new", lambda _: None), Mount("/under", lambda *_: None)])
def test_a_route_without_a_decision_keeps_the_door_from_starting(route: BaseRoute) -> None:
    with pytest.raises(UndecidedRouteError, match=r"access\.py|can't be decided"):
        rules_for([route])
