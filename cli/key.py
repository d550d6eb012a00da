"""`churn key`: API keys for programs."""

from typing import Annotated

import typer
from rich.table import Column, Table
from rich.text import Text

from cli import console
from cli.options import ActorOption
from cli.people import RoleOption, open_people, role_of

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.command()
def add(
    label: Annotated[str, typer.Argument(help="Who or what it is for.")],
    role: RoleOption = "client",
    days: Annotated[int, typer.Option("--days", min=0, max=3650, help="It holds so long; 0: until revoked.")] = 90,
    actor: ActorOption = None,
) -> None:
    """Make a key and show it, this once; only its hash is kept."""
    from churn.stores.api_keys import ApiKeyStore

    wanted = role_of(role)
    people = open_people(actor)
    key_id, key = ApiKeyStore(people.engine).issue(label, role=wanted, created_by=people.actor, days=days or None)
    people.note("key_add", key_id, {"label": label, "role": wanted, "days": days})
    console.err.print(f"key {key_id} for {label}, role {wanted}; it is not shown again:", markup=False)
    typer.echo(key)


@app.command("list")
def show() -> None:
    """Show all keys, never their secrets."""
    from churn.stores.api_keys import ApiKeyStore

    table = Table(Column("key", no_wrap=True), "label", "role", "by", "made", "ends", "revoked")
    for key in ApiKeyStore(open_people(None).engine).all():
        moments = (moment[:19] if moment else "" for moment in (key.created_at, key.expires_at, key.revoked_at))
        table.add_row(*map(Text, (key.key_id, key.label, key.role, key.created_by, *moments)))
    console.out.print(table)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="The key's id, as `churn key list` shows it.")],
    actor: ActorOption = None,
) -> None:
    """Make a key void for ever; it holds in every worker within 30 seconds."""
    from churn.stores.api_keys import ApiKeyStore

    people = open_people(actor)
    ApiKeyStore(people.engine).revoke(key_id)
    people.note("key_revoke", key_id)
    console.out.print(f"{key_id} is void", markup=False)
