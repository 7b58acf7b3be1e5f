"""Write docs/reference/bkci-calls.md and its Chinese twin from the tables of the facade.

    .venv/bin/python docs/bkci_calls.py

A test checks that the pages are what this writes: which calls are served is never told by hand.
"""

from collections.abc import Iterator
from pathlib import Path

from mulligan.facades.bkci.errors import NotServedError
from mulligan.facades.bkci.known_calls import KNOWN_CALLS, UNSERVED_RESOURCES
from mulligan.facades.bkci.old_paths import V3_PATHS
from mulligan.facades.bkci.routes import find

FOLDER = Path(__file__).parent / "reference"
_IN_PROJECT = "projects/{project}/"

# Beginnings of paths, in the order of the page; the first that fits counts.
GROUPS = (
    ("projects/{project}/build", "Builds", "构建"),
    ("projects/{project}/logs/", "Logs", "日志"),
    ("projects/{project}/pipelines", "Pipelines", "流水线"),
    ("projects/{project}/version/", "Versions and drafts", "版本与草稿"),
    ("projects/{project}/pipelineGroups/", "Labels", "标签"),
    ("projects/{project}/pipelineView", "Views", "流水线组"),
    ("projects/{project}/archived/", "Archive", "归档"),
    ("projects/{project}/templates", "Templates", "模板"),
    ("projects/project/", "Projects", "项目"),
    ("environment/", "Environments", "环境"),
    ("projects/{project}/environment/", "Machines", "构建机"),
    ("projects/{project}/credentials/", "Credentials", "凭证"),
    ("repositories/", "Repositories", "代码库"),
    ("projects/{project}/repositoryCommit/", "Commits", "提交记录"),
    ("projects/{project}/artifactories/", "Artifacts", "制品"),
    ("artifactory/", "File tasks", "文件任务"),
    ("projects/{project}/quality/", "Quality gates", "质量红线"),
    ("projects/{project}/callbacks", "Callbacks", "回调"),
    ("{project}/webhook/", "Webhooks", "Webhook"),
    ("metrics/", "Metrics", "度量"),
    ("atoms/", "Plugins", "插件"),
    ("projects/{project}/", "Builds", "构建"),
)

ENGLISH = {
    "file": "bkci-calls.md",
    "title": "# All calls of the BK-CI API",
    "other": "English · [简体中文](bkci-calls.zh-CN.md)",
    "head": (
        "Every call of the v4 API that BK-CI documents by path, and whether this server does it.\n"
        "Paths stand behind the gateway and the version, see [BK-CI v4 dialect](bkci.md).\n"
        "*Works*: done here. *501*: known and not done; the answer names the call and changes\n"
        "nothing. A path that BK-CI does not have is 404, another method 405."
    ),
    "columns": "| method | path | operation | answer |",
    "works": "works",
    "refused": "501",
    "rest": (
        "## Whole resources\n\n"
        "Paths that begin with these parts are answered with 501: rights and members, OAuth,\n"
        "distributed compiling, the plugin shop, dispatching, creative flows."
    ),
    "old": (
        "## Version 3\n\n"
        "Ids stand in the path; the rest of the query and the body are those of version 4.\n"
        "Everything else of version 3 is 404."
    ),
    "old_columns": "| method | path of version 3 | call of version 4 |",
}
CHINESE = {
    "file": "bkci-calls.zh-CN.md",
    "title": "# 蓝盾 API 的全部接口",
    "other": "[English](bkci-calls.md) · 简体中文",
    "head": (
        "下表列出蓝盾按路径记载的所有 v4 接口，以及本服务是否实现。\n"
        "路径位于网关和版本之后，见[蓝盾 v4 方言](bkci.zh-CN.md)。“可用”：在此实现。\n"
        "“501”：已知但未实现，应答会指出接口名称，且不改变任何数据。\n"
        "蓝盾没有的路径返回 404，方法不符返回 405。"
    ),
    "columns": "| 方法 | 路径 | 操作 | 应答 |",
    "works": "可用",
    "refused": "501",
    "rest": (
        "## 整类资源\n\n"
        "以下列部分开头的路径一律返回 501：权限与成员、OAuth、编译加速、研发商店、调度、创作流。"
    ),
    "old": (
        "## 第 3 版\n\n"
        "标识写在路径中，其余查询参数和请求体与第 4 版相同。\n"
        "第 3 版的其他路径返回 404。"
    ),
    "old_columns": "| 方法 | 第 3 版路径 | 第 4 版接口 |",
}


def is_served(method: str, pattern: str) -> bool:
    """Tell whether a call has a handler."""
    try:
        find(method, pattern)
    except NotServedError:
        return False
    return True


def _heading(path: str, place: int) -> str:
    return next(group[place] for group in GROUPS if path.startswith(group[0]))


def _lines(text: dict[str, str], place: int) -> Iterator[str]:
    yield from (text["title"], "", text["other"], "", text["head"])
    by_heading: dict[str, list[tuple[str, str, str]]] = {}
    for call in KNOWN_CALLS:
        by_heading.setdefault(_heading(call[1], place), []).append(call)
    for heading, calls in by_heading.items():
        yield from ("", f"## {heading}", "", text["columns"], "|---|---|---|---|")
        for method, path, operation in calls:
            answer = text["works"] if is_served(method, path) else text["refused"]
            yield f"| {method} | `{path}` | `{operation}` | {answer} |"
    yield from ("", text["rest"], "")
    yield from (f"- `{name}/`" for name in sorted(UNSERVED_RESOURCES))
    yield from ("", text["old"], "", text["old_columns"], "|---|---|---|")
    for method, path, (new_method, name) in V3_PATHS:
        yield f"| {method} | `{path}` | {new_method} `{_IN_PROJECT}{name}` |"


def pages() -> dict[Path, str]:
    """Return what the pages must be."""
    return {
        FOLDER / text["file"]: "\n".join(_lines(text, place)) + "\n"
        for text, place in ((ENGLISH, 1), (CHINESE, 2))
    }


if __name__ == "__main__":
    for path, content in pages().items():
        path.write_text(content, encoding="utf-8")
