"""Read triggers and messages of a request: pre_operation and post_operation."""

import re
import uuid
from collections.abc import Callable
from urllib.parse import urlsplit

import msgspec

from mulligan.facades.swr import addresses, names
from mulligan.facades.swr.addresses import is_private
from mulligan.facades.swr.errors import bad, missing
from mulligan.facades.swr.fields import Fields, Json

MOST_TRIGGERS = 50
_BAD_PARAMETER = "SWR.4001133"
_BAD_NOTIFICATION = "SWR.4001145"
_METHODS = ("POST", "GET", "PUT")
_HOOK_URL = re.compile(r"/webhooks/([0-9a-fA-F-]{36})/?$")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+")
_PHONE = re.compile(r"[+0-9][0-9 ()-]{2,30}")
_MAIL_SERVICE = 7
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
# Which addresses a pattern uses: mail and SMS, mail, SMS.
_WAYS = {0: ("email", "phone_number"), 1: ("email",), 2: ("phone_number",)}


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What the server's settings and the request's place say about definitions.

    Args:
        new_id: Makes 32 random hexadecimal digits.
        allows_private: Loopback and private addresses and `file://` repositories may be used.
    """

    new_id: Callable[[], str]
    allows_private: bool = False

    def new_uuid(self) -> str:
        """Make a UUID v4 as text."""
        return str(uuid.UUID(hex=self.new_id(), version=4))


def read_pre_operation(
    given: Fields, variables: frozenset[str], rules: Rules, stored: Json | None = None
) -> Json:
    """Read a condition; a trigger that was there before keeps its id.

    Args:
        stored: The condition at the same place before.
    """
    operator = given.choice("operator", ("and", "or"))
    given.need("triggers")
    known = _Known(stored)
    triggers = [
        _read_incoming(trigger, variables, rules, known)
        for trigger in given.objects("triggers", MOST_TRIGGERS)
    ]
    if not triggers:
        triggers = [{"webhook": {"id": rules.new_uuid()}}]
    return {"operator": operator, "triggers": triggers}


class _Known:
    """Ids of the triggers that were there before; each is given out once."""

    def __init__(self, stored: Json | None) -> None:
        triggers = stored["triggers"] if stored else []
        self._webhooks = {each["webhook"]["id"] for each in triggers if "webhook" in each}
        self._channels: dict[str, list[str]] = {}
        for each in triggers:
            if "channel" in each:
                channel = each["channel"]
                self._channels.setdefault(channel["name"], []).append(channel["id"])

    def webhook(self, url: str, rules: Rules) -> str:
        found = _HOOK_URL.search(urlsplit(url).path) if url else None
        ident = found[1].lower() if found else ""
        if ident in self._webhooks:
            self._webhooks.discard(ident)
            return ident
        return rules.new_uuid()

    def channel(self, name: str, rules: Rules) -> str:
        ids = self._channels.get(name)
        return ids.pop(0) if ids else rules.new_uuid()


def _read_incoming(given: Fields, variables: frozenset[str], rules: Rules, known: _Known) -> Json:
    trigger: Json
    if _kind_of(given) == "webhook":
        url = given.inner("webhook").text_or("url")
        trigger = {"webhook": {"id": known.webhook(_parsable(url), rules)}}
    else:
        name = _channel_name(given)
        trigger = {"channel": {"name": name, "id": known.channel(name, rules)}}
    converts = _read_converts(given, variables, may_be_system=False)
    return trigger | ({"pipeline_param_converts": converts} if converts else {})


def _parsable(url: str) -> str:
    """Give the URL, "" when it is none: a foreign one only means that a new one is made."""
    try:
        urlsplit(url)
    except ValueError:
        return ""
    return url


def _kind_of(given: Fields) -> str:
    kinds = [kind for kind in ("webhook", "channel") if given.has(kind)]
    if len(kinds) != 1:
        raise bad(given.path, "must have exactly one of webhook, channel")
    return kinds[0]


def _channel_name(given: Fields) -> str:
    channel = given.inner("channel")
    name = channel.text("name")
    if not names.is_channel(name):
        raise bad(channel.at("name"), f"{name!r} is no channel name: letters, digits, _ . -")
    return name


def _read_converts(given: Fields, variables: frozenset[str], *, may_be_system: bool) -> list[Json]:
    found = []
    for convert in given.objects("pipeline_param_converts"):
        name = convert.filled("name")
        variable = convert.text("pipeline_param_name")
        if variable not in variables:
            raise bad(
                convert.at("pipeline_param_name"), f"no variable {variable!r}", _BAD_PARAMETER
            )
        if variable.startswith(names.SYSTEM_PREFIX) and not may_be_system:
            raise bad(convert.at("pipeline_param_name"), f"{variable} can't be set from outside")
        found.append({"name": name, "pipeline_param_name": variable})
    return found


# --- what a stage sends ---------------------------------------------------------------------------


def read_post_operation(
    given: Fields, variables: frozenset[str], rules: Rules, stored: Json | None = None
) -> Json:
    """Read the messages that a stage sends after its result.

    Args:
        stored: Those of the same stage before: a password that was shown masked stays.
    """
    given.need("triggers")
    before = [
        each["webhook"]["url"] for each in (stored or {}).get("triggers", []) if "webhook" in each
    ]
    masked = {addresses.hide_password(url): url for url in before}
    return {
        "triggers": [
            _read_outgoing(trigger, variables, rules, masked)
            for trigger in given.objects("triggers", MOST_TRIGGERS)
        ]
    }


def _read_outgoing(
    given: Fields, variables: frozenset[str], rules: Rules, masked: dict[str, str]
) -> Json:
    trigger: Json
    if _kind_of(given) == "webhook":
        trigger = {"webhook": _read_request(given.inner("webhook"), rules, masked)}
    else:
        trigger = {"channel": {"name": _channel_name(given)}}
    converts = _read_converts(given, variables, may_be_system=True)
    if converts:
        trigger["pipeline_param_converts"] = converts
    if given.has("condition"):
        trigger["condition"] = given.whole("condition", 0, 2)
    return trigger


def _read_request(given: Fields, rules: Rules, masked: dict[str, str]) -> Json:
    url = given.filled("url")
    request: Json = {"method": given.choice("method", _METHODS), "url": masked.get(url, url)}
    check_target(request["url"], given.at("url"), rules)
    if given.has("headers"):
        request["headers"] = given.mapping("headers")
        for name, value in request["headers"].items():
            if not _HEADER.fullmatch(name) or names.has_control(value):
                raise bad(given.at("headers"), f"{name!r} is no header")
    if given.has("body"):
        request["body"] = given.text("body")
    if given.has("params"):
        request["params"] = given.mapping("params")
    return request


def check_target(url: str, path: str, rules: Rules) -> None:
    """Check the URL of a message.

    Raises:
        SwrError: It is not HTTP, or leads to where messages may not go.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise bad(path, f"{url!r} is no URL") from None
    if parts.scheme not in {"http", "https"} or not host or names.has_control(url) or " " in url:
        raise bad(path, f"{url!r} is no http:// or https:// URL")
    if not rules.allows_private and is_private(host):
        raise bad(path, f"{host!r} is a loopback, link-local or private address")


# --- what the pipeline tells ----------------------------------------------------------------------


def read_notification(given: Fields) -> Json:
    """Read the pipeline's post_operation in either form; give the nested one."""
    holder = given.inner("notification") if given.has("notification") else given
    return {
        "notification": {
            "media_type": holder.text_or("media_type"),
            "notifications": [_read_one(each) for each in holder.objects("notifications")],
            "version": holder.text_or("version"),
        }
    }


def _read_one(given: Fields) -> Json:
    kind = given.whole("type", 0, 99) if given.has("type") else _MAIL_SERVICE
    config = given.inner("config")
    wrong = {"wrong": _BAD_NOTIFICATION}
    read: Json = {
        "user_id": config.text("user_id", **wrong),
        "user_name": config.text("user_name", **wrong),
        "email": config.text_or("email", **wrong),
        "phone_number": config.text_or("phone_number", **wrong),
        "condition": config.whole("condition", 0, 2, **wrong),
        "pattern": config.whole("pattern", 0, 2, **wrong),
    }
    for way in _WAYS[read["pattern"]]:
        if not read[way]:
            raise missing(config.at(way), _BAD_NOTIFICATION)
    _check_address(read["email"], _MAIL, config.at("email"))
    _check_address(read["phone_number"], _PHONE, config.at("phone_number"))
    kept = {key: value for key, value in read.items() if value != "" or key.startswith("user")}
    return {"type": kind, "config": kept}


def _check_address(text: str, rule: re.Pattern[str], path: str) -> None:
    if text and not rule.fullmatch(text):
        raise bad(path, f"{text!r} is no address", _BAD_NOTIFICATION)
