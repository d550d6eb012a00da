"""`python3 -m deploy.host secrets`: write `.env`, the variables of docker-compose.yml; what is there stays.

A value that the process's environment has is taken from there, so that `HOLDFAST_FRONT_PORT=80 make secrets` is enough.
"""

from __future__ import annotations  # hosts may have Python 3.9

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

from deploy.host import environment, networks
from deploy.host.failure import HostError
from deploy.host.variables import PROFILES, USUAL_PROFILES, VARIABLES, Variable, redis_url, store_url

HEAD = """\
# The variables of docker-compose.yml, written by `make secrets`. This file is secret: nobody but you may read it, and
# it is part of no backup unless you ask for that. Passwords of databases are set at their first start: docs/compose.md
# says how to change one later. Compose prefers a variable of your shell to the one in here.
"""


def options(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--profiles", help=f"by comma, of {', '.join(PROFILES)}; default {USUAL_PROFILES}, or as it is")
    parser.add_argument("--force", action="store_true", help="also move the churn store to another, empty database")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    path = environment.FILE
    found = environment.parse(path.read_text(encoding="utf-8")) if path.is_file() else {}
    changes = change_profiles(found, arguments.profiles, is_forced=arguments.force)
    missing = [one for one in VARIABLES if one.name not in found]
    given = {**os.environ, **changes}  # noqa: TID251  the host's only settings
    added = values_of(missing, {**found, **changes}, given=given)
    write(path, changes, {one: added[one.name] for one in missing})
    _tell(path, sorted(changes), added, {**found, **changes, **added})
    return 0


def change_profiles(found: Mapping[str, str], wanted: str | None, *, is_forced: bool) -> dict[str, str]:
    """Return the variables that other profiles change; none when the profiles are to stay.

    Raises:
        HostError: there is no such profile; or the churn store would move away from what it holds.
    """
    if wanted is None:
        require_profiles(found.get("COMPOSE_PROFILES", USUAL_PROFILES))
        return {}
    profiles = require_profiles(wanted)
    if "HOLDFAST_STORE_URL" not in found:
        return {"COMPOSE_PROFILES": ",".join(profiles)}
    before = found.get("COMPOSE_PROFILES", USUAL_PROFILES).split(",")
    changes = {"COMPOSE_PROFILES": ",".join(profiles)}
    if ("mysql" in profiles) != ("mysql" in before):
        _require_leave_to_move(found, is_forced=is_forced)
        changes["HOLDFAST_STORE_URL"] = store_url({**found, **changes})
    if ("redis" in profiles) != ("redis" in before):
        changes["HOLDFAST_REDIS_URL"] = redis_url({**found, **changes})
    return {name: value for name, value in changes.items() if found.get(name) != value}


def require_profiles(text: str) -> list[str]:
    """Read profiles that commas separate, each once.

    Raises:
        HostError: there is none of a name, or nothing is left of the stack.
    """
    profiles = list(dict.fromkeys(one.strip() for one in text.split(",") if one.strip()))
    if unknown := [one for one in profiles if one not in PROFILES]:
        raise HostError(f"there is no profile {unknown[0]!r}: choose of {', '.join(PROFILES)}")
    if "core" not in profiles:
        raise HostError(f"profiles {text!r} lack `core`, without which nothing else works: add it")
    return profiles


def values_of(missing: list[Variable], known: Mapping[str, str], *, given: Mapping[str, str]) -> dict[str, str]:
    """Return a value for each variable that is missing: a given one, or one that is made of those before it."""
    values = dict(known)
    for one in missing:
        values[one.name] = given[one.name] if one.name in given else one.make(values)
    require_profiles(values["COMPOSE_PROFILES"])
    return {one.name: values[one.name] for one in missing}


def write(path: Path, changes: Mapping[str, str], added: Mapping[Variable, str]) -> None:
    """Change and add lines; all others, comments too, stay as they are."""
    text = path.read_text(encoding="utf-8") if path.is_file() else HEAD
    lines = [_changed(line, changes) for line in text.splitlines()]
    for one, value in added.items():
        lines += ["", *(f"# {line}" for line in one.words), f"{one.name}={value}"]
    environment.write_text("\n".join(lines) + "\n", path)


def _changed(line: str, changes: Mapping[str, str]) -> str:
    name = line.partition("=")[0].strip()
    return f"{name}={changes[name]}" if name in changes else line


def _require_leave_to_move(found: Mapping[str, str], *, is_forced: bool) -> None:
    project = found.get("COMPOSE_PROJECT_NAME", "holdfast")
    if not is_forced and networks.may_have_data(project):
        raise HostError(
            "profile `mysql` decides where the churn store is: in MariaDB with it, in PostgreSQL without. The other "
            "database is empty, or as it was left, and nothing is copied: recorded predictions, outcomes, people, keys "
            f"and jobs of project {project!r} would stay behind. Say so with --force (make secrets FORCE=yes)"
        )


def _tell(path: Path, changed: list[str], added: Mapping[str, str], values: Mapping[str, str]) -> None:
    """Say what was done; no value of a secret is shown."""
    done = [f"{len(added)} variables added"] if added else []
    done += [f"{', '.join(changed)} changed"] if changed else []
    print(f"{path}: {'; '.join(done) or 'nothing to add'}")
    profiles, net = values["COMPOSE_PROFILES"], values["HOLDFAST_NET"]
    print(f"project {values['COMPOSE_PROJECT_NAME']}, profiles {profiles}, network {net}.0/24. Next: make up")
