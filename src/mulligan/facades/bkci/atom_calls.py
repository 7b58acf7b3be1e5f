"""Calls on plugins ("atoms"): which ones are installed, and what they say of themselves."""

from collections.abc import Iterable
from typing import Any

from starlette.responses import Response

from mulligan.core.errors import InvalidError
from mulligan.core.ids import ProjectId
from mulligan.core.plugins import Plugin, choose_version, execution_of, name_of
from mulligan.core.rights import Permission
from mulligan.facades.bkci.calls import Call, ok
from mulligan.facades.bkci.query import LARGEST_PAGE
from mulligan.facades.bkci.run_out import render_page
from mulligan.facades.bkci.times import Json, millis, present

_MACHINE, _NO_MACHINE = "AGENT", "AGENT_LESS"
_DEFAULT_SIZE = 10
_SHORT = 300  # characters of a summary
_SORTS = ("NAME", "PUBLISHER", "CREATE_TIME", "UPDATE_TIME", "DOWNLOAD_COUNT", "RECENT_EXECUTE_NUM")


async def atom_info(call: Call) -> Response:
    """Give the newest version of a plugin; no data if it is not installed."""
    code = call.query.needed("atomCode")
    plugin = await call.services.plugins.find(code, "")
    return ok(None if plugin is None else _version(plugin))


async def atom_detail(call: Call) -> Response:
    """Give a version of a plugin with its inputs; no data if it is not installed."""
    code, version = call.query.needed("atomCode"), call.query.needed("version")
    plugin = await call.services.plugins.find(code, version)
    if plugin is None:
        return ok(None)
    versions = await call.services.store.plugin_versions(code)
    return ok(_detail(plugin, is_newest=choose_version("", versions) == plugin.version))


async def atom_search(call: Call) -> Response:
    """Search the installed plugins by their names."""
    found = await _found(call, call.query.text("keyword"))
    order = call.query.word("sortType", {name: name for name in _SORTS}, "CREATE_TIME")
    if order in ("CREATE_TIME", "UPDATE_TIME"):
        found.sort(key=lambda plugin: plugin.installed_at, reverse=True)
    page, size = call.query.page()
    return ok(_page([_market(plugin) for plugin in found], page, size))


async def atom_list(call: Call) -> Response:
    """List the plugins that can be used in a project: all that are installed."""
    project = call.query.needed("projectCode")
    await call.services.catalog.get_project(project)
    await call.services.access.demand(call.actor, Permission.VIEW, ProjectId(project))
    category, kind = call.query.text("category") or "TASK", call.query.text("jobType")
    found = await _found(call, call.query.text("keyword"))
    if category != "TASK" or call.query.flag("recommendFlag"):
        found = []
    if kind is not None:
        found = [plugin for plugin in found if kind in (_job_type(plugin), _MACHINE)]
    page, size = _checked_page(call)
    return ok(_page([_listed(plugin) for plugin in found], page, size))


def _checked_page(call: Call) -> tuple[int, int]:
    given = call.query.whole("pageSize")
    size = _DEFAULT_SIZE if given is None else given
    if not 1 <= size <= LARGEST_PAGE:
        raise InvalidError(
            f"pageSize is {size}; 1 to {LARGEST_PAGE} are allowed",
            pointer="pageSize",
            code="page-size",
        )
    return max(call.query.whole("page") or 1, 1), size


async def _found(call: Call, keyword: str | None) -> list[Plugin]:
    found = await call.services.plugins.newest()
    if keyword is None:
        return list(found)
    wanted = keyword.lower()
    return [plugin for plugin in found if wanted in f"{plugin.code}\n{name_of(plugin)}".lower()]


def _page(records: list[Json], page: int, size: int) -> Json:
    shown = records[(page - 1) * size : page * size]
    return render_page(shown, count=len(records), page=page, page_size=size)


# --- shapes -------------------------------------------------------------------------------------


def _release(plugin: Plugin) -> Json:
    given = plugin.manifest.get("releaseInfo")
    return given if isinstance(given, dict) else {}


def _text(fields: Json, *keys: str) -> str | None:
    """Return the first of several members that is a text."""
    found: Iterable[Any] = (fields.get(key) for key in keys)
    return next((value for value in found if isinstance(value, str) and value), None)


def _job_type(plugin: Plugin) -> str:
    given = _text(_release(plugin), "jobType")
    return _NO_MACHINE if given == _NO_MACHINE else _MACHINE


def _class(plugin: Plugin) -> str:
    return "marketBuildLess" if _job_type(plugin) == _NO_MACHINE else "marketBuild"


def _common(plugin: Plugin) -> Json:
    release = _release(plugin)
    return {
        "name": name_of(plugin),
        "atomCode": plugin.code,
        "version": plugin.version,
        "category": "TASK",
        "classifyCode": _text(release, "classifyCode"),
        "jobType": _job_type(plugin),
        "os": ["LINUX"],
        "summary": (_text(release, "summary", "description") or "")[:_SHORT],
        "description": _text(release, "description"),
        "publisher": plugin.installed_by,
        "creator": plugin.installed_by,
        "modifier": plugin.installed_by,
        "createTime": millis(plugin.installed_at),
        "updateTime": millis(plugin.installed_at),
        "atomStatus": "RELEASED",
        "defaultFlag": True,
        "buildLessRunFlag": _job_type(plugin) == _NO_MACHINE,
    }


def _version(plugin: Plugin) -> Json:
    """Return an `AtomVersion`."""
    language = execution_of(plugin.manifest).language
    own = {"atomId": plugin.digest[:32], "language": language, "flag": True, "yamlFlag": True}
    return present(_common(plugin) | own)


def _detail(plugin: Plugin, *, is_newest: bool) -> Json:
    """Return a `PipelineAtom`; `props` is the task.json."""
    own = {
        "id": plugin.digest[:32],
        "classType": _class(plugin),
        "htmlTemplateVersion": "1.1",
        "latestFlag": is_newest,
        "props": plugin.manifest,
    }
    return present(_common(plugin) | own)


def _market(plugin: Plugin) -> Json:
    """Return a `MarketItem`."""
    own = {
        "id": plugin.digest[:32],
        "code": plugin.code,
        "type": _class(plugin),
        "rdType": "THIRD_PARTY",
        "flag": True,
        "publicFlag": True,
        "yamlFlag": True,
    }
    return present(_common(plugin) | own)


def _listed(plugin: Plugin) -> Json:
    """Return an `AtomRespItem`."""
    major = plugin.version.split(".", 1)[0]
    own = {
        "classType": _class(plugin),
        "defaultVersion": f"{major}.*",
        "installed": True,
        "installFlag": True,
    }
    return present(_common(plugin) | own)
