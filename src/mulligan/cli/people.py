"""`mulligan project`, `user`, `token`."""

import sys

import click

from mulligan.cli.client import part
from mulligan.cli.examples import EXAMPLE
from mulligan.cli.options import Session, may_preview, with_session
from mulligan.cli.output import moment, note, one_line

ROLES = ("viewer", "runner", "developer", "maintainer", "owner")
_MOST = 10_000  # items of a list
_DAY_S = 86_400


@click.group(help="Make and list projects.\n\n" + EXAMPLE + "mulligan project create shop")
def project() -> None:
    """Group of the commands about projects."""


@project.command("create", help="Make a project.\n\n" + EXAMPLE + "mulligan project create shop")
@click.argument("name")
@click.option("--id", "ident", default="", help="Lower-case letters, digits, -; made of the name.")
@may_preview
@with_session
def create_project(session: Session, name: str, ident: str) -> None:
    """Make a project."""
    made = session.client.call("POST", "/projects", {"name": name, "id": ident})
    session.show_made(made, line=made["id"])


@project.command("list", help="List projects.\n\n" + EXAMPLE + "mulligan project list -o json")
@with_session
def list_projects(session: Session) -> None:
    """List projects."""
    items = session.client.pages("/projects", _MOST)
    session.show_list(
        items,
        ("PROJECT", "NAME", "MADE"),
        lambda item: (item["id"], one_line(item["name"]), moment(item["created_at"])),
    )


@click.group(
    help="Make users and give them roles.\n\n"
    + EXAMPLE
    + "mulligan user grant alice developer --project shop"
)
def user() -> None:
    """Group of the commands about users."""


@user.command(
    "create",
    help="Make a user; without a password only tokens let them in.\n\n"
    + EXAMPLE
    + "mulligan user create alice --password-stdin < password.txt",
)
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read a password from the first line.")
@may_preview
@with_session
def create_user(session: Session, name: str, password_stdin: bool) -> None:  # noqa: FBT001 - click gives flags by name
    """Make a user."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else ""
    if password_stdin and not password:
        raise click.UsageError("no password came on stdin")
    made = session.client.call("POST", "/users", {"name": name, "password": password})
    session.show_made(made, told=f"made user {made['name']}")


@user.command("list", help="List users.\n\n" + EXAMPLE + "mulligan user list")
@with_session
def list_users(session: Session) -> None:
    """List users."""
    items = session.client.pages("/users", _MOST)
    session.show_list(
        items,
        ("USER", "RIGHTS", "STATE", "MADE"),
        lambda item: (
            item["name"],
            "admin" if item["is_admin"] else "",
            "disabled" if item["disabled"] else "",
            moment(item["created_at"]),
        ),
    )


@user.command(
    "grant",
    help="Give a user a role in a project.\n\n"
    + EXAMPLE
    + "mulligan user grant alice developer --project shop",
)
@click.argument("name")
@click.argument("role", type=click.Choice(ROLES))
@click.option("--project", required=True, help="Where.")
@may_preview
@with_session
def grant(session: Session, name: str, role: str) -> None:
    """Give a role."""
    path = f"{session.path}/members/{part(name)}"
    member = session.client.call("PUT", path, {"role": role})
    session.show_made(member, told=f"{member['user']} is {member['role']} of {session.project}")


@click.group(
    help="Make, list and revoke tokens.\n\n"
    + EXAMPLE
    + "mulligan token create ci --bind shop --role runner"
)
def token() -> None:
    """Group of the commands about tokens."""


@token.command(
    "create",
    help="Make a token, never with more rights than one's own, and print it: once.\n\n"
    + EXAMPLE
    + "mulligan token create ci --bind shop --role runner --days 30",
)
@click.argument("name")
@click.option("--user", default="", help="For another user (admins only).")
@click.option("--bind", "projects", multiple=True, metavar="PROJECT", help="Only for these.")
@click.option("--role", type=click.Choice(ROLES), help="With no more rights than this role.")
@click.option("--days", type=click.IntRange(1, 3650), help="Over after so many days.")
@may_preview
@with_session
def create_token(
    session: Session,
    name: str,
    user: str,
    projects: tuple[str, ...],
    role: str | None,
    days: int | None,
) -> None:
    """Make a token."""
    body = {"name": name, "user": user, "projects": projects, "role": role or ""}
    made = session.client.call("POST", "/tokens", body | {"ttl_s": days * _DAY_S if days else None})
    session.show_made(made, line=made["token"], told=f"token {made['id']}; it is not shown again")


@token.command(
    "list", help="List tokens, without their secrets.\n\n" + EXAMPLE + "mulligan token list"
)
@with_session
def list_tokens(session: Session) -> None:
    """List tokens."""
    items = session.client.pages("/tokens", _MOST)
    session.show_list(
        items,
        ("TOKEN", "NAME", "USER", "PROJECTS", "ROLE", "OVER"),
        lambda item: (
            item["id"],
            one_line(item["name"]),
            item["user"],
            ",".join(item["projects"]) or "all",
            item["role"] or "",
            moment(item["expires_at"]) if item["expires_at"] else "never",
        ),
    )


@token.command("revoke", help="Revoke a token.\n\n" + EXAMPLE + "mulligan token revoke 6f1c…")
@click.argument("ident", metavar="TOKEN")
@may_preview
@with_session
def revoke(session: Session, ident: str) -> None:
    """Revoke a token."""
    session.client.call("DELETE", f"/tokens/{part(ident)}")
    note(f"revoked token {ident}")
