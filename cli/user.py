"""`churn user`: people who may sign in. The first admin is made here; there is no default password anywhere."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from cli import console
from cli.options import ActorOption
from cli.people import RoleOption, open_people, role_of

if TYPE_CHECKING:
    from churn.stores.users import UserStore
    from cli.people import People

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="The user's name.")]
StdinOption = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]


@app.command()
def add(name: NameArgument, role: RoleOption = "viewer", stdin: StdinOption = False, actor: ActorOption = None) -> None:
    """Add a user; the password is asked for twice and not shown."""
    wanted = role_of(role)
    users, people = _open(actor)
    users.add(name, _password(is_piped=stdin), role=wanted)
    people.note("user_add", name, {"role": wanted})
    console.out.print(f"{name} may sign in as {wanted}", markup=False)


@app.command("list")
def show() -> None:
    """Show everybody."""
    users, _ = _open(None)
    table = Table("name", "role", "may sign in", "since")
    for user in users.all():
        table.add_row(*map(Text, (user.name, user.role, "yes" if user.is_active else "no", user.created_at[:19])))
    console.out.print(table)


@app.command()
def passwd(name: NameArgument, stdin: StdinOption = False, actor: ActorOption = None) -> None:
    """Set a new password; tokens of the old one are void."""
    users, people = _open(actor)
    users.set_password(name, _password(is_piped=stdin))
    people.note("user_passwd", name)
    console.out.print(f"{name} has a new password; whoever was signed in as {name} signs in again", markup=False)


@app.command()
def disable(name: NameArgument, actor: ActorOption = None) -> None:
    """Let a user sign in no more; tokens are void."""
    _set_active(name, actor, is_active=False)


@app.command()
def enable(name: NameArgument, actor: ActorOption = None) -> None:
    """Let a user sign in again."""
    _set_active(name, actor, is_active=True)


@app.command()
def role(
    name: NameArgument,
    new: Annotated[str, typer.Argument(metavar="ROLE", help="The new role.")],
    actor: ActorOption = None,
) -> None:
    """Give a user another role; it holds within 30 seconds, also for who is signed in."""
    wanted = role_of(new)
    users, people = _open(actor)
    users.set_role(name, wanted)
    people.note("user_role", name, {"role": wanted})
    console.out.print(f"{name} is {wanted}", markup=False)


@app.command()
def log(limit: Annotated[int, typer.Option("--limit", min=1, help="So many of the newest.")] = 50) -> None:
    """Show who changed what, and who signed in."""
    import json

    from churn.stores.admin_actions import AdminLog

    table = Table("at", "actor", "action", "subject", "outcome", "details")
    for one in AdminLog(open_people(None).engine).newest(limit):
        details = json.dumps(one.details) if one.details else ""
        table.add_row(*map(Text, (one.at[:19], one.actor, one.action, one.subject, one.outcome, details)))
    console.out.print(table)


def _set_active(name: str, actor: str | None, *, is_active: bool) -> None:
    users, people = _open(actor)
    users.set_active(name, is_active=is_active)
    people.note("user_enable" if is_active else "user_disable", name)
    console.out.print(f"{name} may sign in" if is_active else f"{name} may not sign in any more", markup=False)


def _open(actor: str | None) -> "tuple[UserStore, People]":
    from churn.stores.users import UserStore

    people = open_people(actor)
    return UserStore(people.engine), people


def _password(*, is_piped: bool) -> str:
    if is_piped:
        return sys.stdin.readline().rstrip("\r\n")
    text: str = typer.prompt("Password", hide_input=True, confirmation_prompt="Again")
    return text
