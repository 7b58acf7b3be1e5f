"""What a checkout is of, and how it logs in: linked repositories and their secrets."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from msgspec.structs import replace

from mulligan.core.errors import NotFoundError
from mulligan.core.items import LinkedRepository
from mulligan.core.prepare import StepOrder
from mulligan.core.secrets import OPEN_FIELDS
from mulligan.engine.secrets import Vault
from mulligan.ports.items import ItemStore
from mulligan.secret_key import UnsealError

_MOST = 1000  # repositories of a project that are looked through for an alias
ANY_USER = "oauth2"  # what servers take beside a token, most of them any name
_OWN_URL = "GIT_CI_REPO_URL"  # variable of a run that an event of a repository has started
# Fields of secrets that stand for a password, the best first.
_PASSWORDS = ("password", "access_token", "oauth_token", "token", "value", "secretKey")


async def with_repository(store: ItemStore, vault: Vault, order: StepOrder) -> StepOrder:
    """Complete the inputs of a checkout: its `url` and `login`.

    What is missing makes the step fail with a message that names it.
    """
    if order.kind != "checkout" or order.problem:
        return order
    try:
        return await _completed(store, vault, order)
    except _CheckoutError as error:
        return replace(order, problem=str(error))


class _CheckoutError(Exception):
    """The checkout is of nothing that is there, or can't log in."""


async def _completed(store: ItemStore, vault: Vault, order: StepOrder) -> StepOrder:
    inputs = order.inputs
    repository = await _repository(store, order)
    url = repository.url if repository is not None else str(inputs.get("url") or "").strip()
    if not url and inputs.get("by") == "SELF":
        url = order.env.get(_OWN_URL, "")
        if not url:
            raise _CheckoutError("no repository has started this run: there is none of its own")
        repository = await _with_url(store, order, url)
    user = str(inputs.get("user") or "") or (repository.user if repository else "")
    secret = str(inputs.get("secret") or "") or (repository.secret if repository else "")
    login: dict[str, str] = {}
    if secret:
        login = _login(vault, secret, user)
        _check_fits(url, secret, login)
    elif inputs.get("password"):
        login = {"user": user or ANY_USER, "password": str(inputs["password"])}
    hidden = [text for field, text in login.items() if field != "user" and text]
    masked = dict.fromkeys((*order.secrets, *hidden))
    shown: dict[str, Any] = {**inputs, "url": url, "login": login}
    return replace(order, inputs=shown, secrets=tuple(masked))


async def _repository(store: ItemStore, order: StepOrder) -> LinkedRepository | None:
    named = str(order.inputs.get("repository") or "").strip()
    by = order.inputs.get("by") or ""
    if not named or by in ("URL", "SELF") or (not by and order.inputs.get("url")):
        return None
    found = await find_repository(store, order.project, named, by=by)
    if found is None:
        raise _CheckoutError(f"the project has no linked repository {named!r}")
    return found


async def find_repository(
    store: ItemStore, project: Any, named: str, *, by: str = ""
) -> LinkedRepository | None:
    """Return a repository by its id ("ID"), its alias ("NAME"), or whichever fits ("")."""
    if by != "NAME":
        found = await store.find_item(LinkedRepository, project, named)
        if found is not None or by == "ID":
            return found
    everything = await store.list_items(LinkedRepository, project, limit=_MOST)
    return next((each for each in everything if each.name == named), None)


async def _with_url(store: ItemStore, order: StepOrder, url: str) -> LinkedRepository | None:
    """Find a repository that is linked under this URL: for how to log in there."""
    everything = await store.list_items(LinkedRepository, order.project, limit=_MOST)
    wanted = url.removesuffix(".git")
    return next((each for each in everything if each.url.removesuffix(".git") == wanted), None)


def _login(vault: Vault, secret: str, user: str) -> dict[str, str]:
    try:
        values = vault.values(secret)
    except NotFoundError:
        raise _CheckoutError(f"the project has no secret {secret!r}") from None
    except UnsealError as error:
        raise _CheckoutError(f"the secret {secret!r} can't be read: {error}") from None
    if values.get("privateKey"):
        return {"key": values["privateKey"], "passphrase": values.get("passphrase", "")}
    return {"user": values.get("username") or user or ANY_USER, "password": password_of(values)}


def password_of(values: Mapping[str, str]) -> str:
    """Return the value of a secret that stands for a password or token."""
    for field in _PASSWORDS:
        if values.get(field):
            return values[field]
    return next((text for field, text in values.items() if field not in OPEN_FIELDS), "")


def _check_fits(url: str, secret: str, login: Mapping[str, str]) -> None:
    try:
        is_web = urlsplit(url).scheme in ("http", "https")
    except ValueError:
        return  # git says what is wrong with it
    if is_web and "key" in login:
        raise _CheckoutError(f"the secret {secret!r} is a key for ssh, {url} is none of ssh")
    is_ssh = not is_web and not url.startswith(("file:", "/"))
    if is_ssh and "password" in login:
        raise _CheckoutError(f"the secret {secret!r} is a password, and {url} needs a key")
