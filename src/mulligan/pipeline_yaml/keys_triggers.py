"""The table of keys: `on`."""

from mulligan.pipeline_yaml.findings import Path
from mulligan.pipeline_yaml.keys_common import (
    FLAG,
    NAME,
    ONLY_V2,
    ONLY_V3,
    STORED,
    SWITCH,
    TEXT,
    TEXTS,
    VALUES,
    enable_key,
    ignored,
    make_key,
)
from mulligan.pipeline_yaml.shapes import (
    Anything,
    Check,
    Each,
    Either,
    Key,
    MapOf,
    Note,
    Object,
    Text,
    Whole,
    Words,
    has,
)
from mulligan.pipeline_yaml.tree import Node

REPOSITORY_TYPES = (
    *("git", "tgit", "github", "gitlab", "svn", "p4", "scm_git", "scm_svn"),
    "tapd",
)
DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
MOST_BRANCHES = 3
_FILTER_TYPES = Words(("NamePrefixFilter", "RegexBasedFilter"))


def _list(name: str, en: str, zh: str, sample: str = "[main]") -> tuple[Key, Key]:
    """Make the rows of a list and of what it leaves out."""
    return (
        make_key(name, TEXTS, en, zh, sample),
        make_key(f"{name}-ignore", TEXTS, f"not these {en}", f"排除的{zh}", sample),
    )


def _action(*words: str) -> Key:
    shape = Each(Words(words), or_one=True)
    return make_key("action", shape, "what happened", "事件动作", f"[{words[0]}]")


_OWN = (
    make_key("id", TEXT, "id of the trigger", "触发器 ID", "from_git"),
    make_key("name", TEXT, "name of the trigger", "触发器名称", "from git"),
    make_key("desc", TEXT, "what it is for", "说明", "for releases"),
    enable_key(),
)
_USERS = _list("users", "people", "用户", "[alice]")
_PATHS = (
    *_list("paths", "paths", "路径", "[src/]"),
    make_key(
        "path-filter-type",
        _FILTER_TYPES,
        "how paths are compared: by prefix, or as Ant patterns",
        "路径比较方式：前缀或 Ant 通配",
        "NamePrefixFilter",
        default="NamePrefixFilter",
    ),
)
_FILTER = make_key(
    "custom-filter",
    Object(
        name="custom-filter",
        title=Note("a filter", "过滤器"),
        keys=(
            make_key("url", NAME, "which is asked", "被询问的地址", "https://ci.example.com/ask"),
            make_key("credentials", TEXT, "what is sent along", "凭据", "token"),
        ),
    ),
    "an outside service that is asked",
    "询问外部服务",
    "{url: 'https://ci.example.com/ask'}",
)

# Who must let a run begin: our own.
_REVIEWED = (
    make_key(
        "reviewers",
        Each(Text(pattern=r"[^$,;]+"), or_one=True, most=50),
        "who must let its runs begin (our own)",
        "须由谁放行其构建（自有扩展）",
        "[alice]",
        versions=ONLY_V3,
    ),
    make_key(
        "review-timeout-hours",
        Whole(least=1, most=720),
        "how long they have; then the run is refused (our own)",
        "放行时限，超时即拒绝（自有扩展）",
        "8",
        default="24",
        versions=ONLY_V3,
    ),
    make_key(
        "review-forks-only",
        FLAG,
        "only for merge requests from other repositories (our own)",
        "仅对来自其它代码库的合并请求（自有扩展）",
        "true",
        default="false",
        versions=ONLY_V3,
    ),
)


def _asks_somebody(node: Node, path: Path, check: Check) -> None:
    """Who wants runs to be reviewed must not be left with runs that nobody looks at."""
    for key in ("review-timeout-hours", "review-forks-only"):
        if key in node.content and "reviewers" not in node.content:
            check.findings.error_at_key(node, path, key, f"{key!r} needs 'reviewers'")


def _event(name: str, en: str, zh: str, *keys: Key) -> Object:
    return Object(name=name, title=Note(en, zh), keys=(*keys, *_OWN), rules=(_asks_somebody,))


PUSH = _event(
    "on-push",
    "a push",
    "推送",
    *_list("branches", "branches", "分支"),
    *_PATHS,
    *_USERS,
    _action("push-file", "new-branch"),
    _FILTER,
    *_REVIEWED,
)
TAG = _event(
    "on-tag",
    "a tag",
    "标签",
    *_list("tags", "tags", "标签", "['v*']"),
    make_key("from-branches", TEXTS, "branches that it is on", "所在分支", "[main]"),
    *_USERS,
    _action("create", "delete"),
    *_REVIEWED,
)
MR = _event(
    "on-mr",
    "a merge request",
    "合并请求",
    *_list("target-branches", "branches it goes to", "目标分支"),
    *_list("source-branches", "branches it comes from", "源分支", "['feature/**']"),
    *_PATHS,
    *_USERS,
    *_list("labels", "labels", "标签", "[ready]"),
    *(
        msg
        for msg in (
            make_key(
                "assignees",
                TEXTS,
                "who works on it",
                "负责人",
                "[alice]",
                **ignored("people of a request are not compared", "不比较请求的负责人"),
            ),
            make_key(
                "assignees-ignore",
                TEXTS,
                "not of these",
                "排除的负责人",
                "[bob]",
                **ignored("people of a request are not compared", "不比较请求的负责人"),
            ),
        )
    ),
    _action("open", "close", "reopen", "push-update", "merge"),
    make_key(
        "report-commit-check", FLAG, "write a commit check", "回写检查", "false", default="true"
    ),
    make_key("block-mr", FLAG, "no merge before it is green", "成功前禁止合并", "true"),
    make_key(
        "webhook-queue", FLAG, "a newer event replaces a waiting one", "新事件取代排队", "true"
    ),
    make_key("skip-wip", FLAG, "not while it is a draft", "跳过 WIP", "true"),
    _FILTER,
    *_REVIEWED,
)
ISSUE = _event(
    "on-issue", "an issue", "议题", _action("open", "close", "reopen", "update"), *_REVIEWED
)
REVIEW = _event(
    "on-review",
    "a code review",
    "代码评审",
    make_key(
        "types",
        Each(Words(("comparison", "merge_request")), or_one=True),
        "what is reviewed",
        "评审对象",
        "[comparison]",
    ),
    make_key(
        "states",
        Each(Words(("approved", "approving", "change_denied", "change_required")), or_one=True),
        "its state",
        "评审状态",
        "[approved]",
    ),
    *_REVIEWED,
)
NOTE = _event(
    "on-note",
    "a comment",
    "评论",
    make_key(
        "types",
        Each(Words(("commit", "merge_request", "issue")), or_one=True),
        "on what",
        "评论对象",
        "[commit]",
    ),
    make_key("comment", TEXTS, "regular expressions, one is found", "正则表达式", "['^/build']"),
    *_REVIEWED,
)
MANUAL = _event(
    "on-manual",
    "a start by hand",
    "手动触发",
    make_key("can-skip-step", FLAG, "the starter may leave steps out", "可跳过步骤", "true"),
    make_key("use-latest-inputs", FLAG, "the form shows the last values", "沿用上次参数", "true"),
)
REMOTE = _event("on-remote", "a start by a secret address", "远程触发")
INTERVAL = Object(
    name="interval",
    title=Note("an interval", "间隔"),
    keys=(
        make_key(
            "week",
            Each(Words(DAYS), or_one=True, fewest=1),
            "days",
            "星期",
            "[Mon]",
            is_required=True,
        ),
        make_key(
            "time-points",
            Each(Text(pattern=r"([01]?[0-9]|2[0-3]):[0-5][0-9]"), or_one=True),
            "times of day",
            "时间点",
            "['09:30']",
            default="00:00",
        ),
    ),
)


def _one_time(node: Node, path: Path, check: Check) -> None:
    if has(node, "cron") == has(node, "interval"):
        check.findings.error(node, path, "needs either 'cron' or 'interval'")


SCHEDULE = Object(
    name="schedule",
    title=Note("a schedule", "定时触发"),
    keys=(
        make_key(
            "cron", Each(NAME, or_one=True, fewest=1), "cron texts", "cron 表达式", "'0 3 * * *'"
        ),
        make_key("interval", INTERVAL, "days and times", "星期和时间", "{week: [Mon]}"),
        make_key(
            "always",
            FLAG,
            "also when the source did not change",
            "代码无变更也运行",
            "true",
            default="false",
        ),
        make_key(
            "branches",
            Each(TEXT, or_one=True, most=MOST_BRANCHES),
            "branches to watch, at most 3",
            "关注的分支，最多 3 个",
            "[main]",
        ),
        make_key(
            "repo-type",
            Words(("ID", "NAME", "SELF", "NONE")),
            "which repository",
            "代码库类型",
            "NAME",
        ),
        make_key("repo-id", TEXT, "its id", "代码库 ID", "abc"),
        make_key("repo-name", TEXT, "its name", "代码库别名", "group/lib"),
        make_key("start-params", VALUES, "values of the start", "启动参数", "{mode: nightly}"),
        *_OWN,
    ),
    rules=(_one_time,),
)
P4_EVENT = _event("on-p4", "an event of Perforce", "Perforce 事件", *_PATHS, *_USERS)
TAPD_EVENT = _event("on-tapd", "an event of TAPD", "TAPD 事件", _action("create", "update"))

_P4 = ("change-commit", "change-content", "change-submit", "shelve-commit", "shelve-submit")


def _hook(name: str, shape: Object, en: str, zh: str, sample: str) -> Key:
    return make_key(name, Either((TEXTS, shape)), en, zh, sample)


EVENTS = (
    _hook("push", PUSH, "pushes; a list = branches", "推送；列表即分支", "[main]"),
    _hook("tag", TAG, "tags; a list = tags", "标签；列表即标签", "['v*']"),
    _hook(
        "mr", MR, "merge requests; a list = target branches", "合并请求；列表即目标分支", "[main]"
    ),
    _hook("mr-merged", MR, "requests that were merged", "已合并的请求", "[main]"),
    make_key("issue", ISSUE, "issues", "议题", "{action: [open]}"),
    make_key("review", REVIEW, "code reviews", "代码评审", "{states: [approved]}"),
    make_key("note", NOTE, "comments", "评论", "{types: [commit]}"),
)


def _ways_once(node: Node, path: Path, check: Check) -> None:
    """Manual, schedules and remote are read only where the file's own repository is meant."""
    if "repo-name" not in node.content and "repo-id" not in node.content:
        return
    for key in ("manual", "schedules", "remote"):
        if key in node.content:
            detail = f"{key!r} stands in an entry without 'repo-name'"
            check.findings.error_at_key(node, path, key, detail)


ON = Object(
    name="on",
    title=Note("the triggers", "触发器"),
    keys=(
        *EVENTS,
        make_key(
            "schedules",
            Either((SCHEDULE, Each(SCHEDULE))),
            "times",
            "定时触发",
            "[{cron: '0 3 * * *', always: true}]",
        ),
        make_key(
            "manual",
            Either((SWITCH, MANUAL)),
            "starts by hand",
            "手动触发",
            "disabled",
            default="enabled",
        ),
        make_key(
            "remote",
            Either((SWITCH, REMOTE)),
            "starts by a secret address",
            "远程触发",
            "enabled",
            default="disabled",
        ),
        *(
            make_key(
                name,
                Either((TEXTS, P4_EVENT)),
                "Perforce",
                "Perforce",
                "{paths: [//depot/]}",
                versions=ONLY_V3,
                **STORED,
            )
            for name in _P4
        ),
        *(
            make_key(
                name,
                TAPD_EVENT,
                f"TAPD {name}",
                f"TAPD {name}",
                "{action: [create]}",
                versions=ONLY_V3,
                **STORED,
            )
            for name in ("story", "bug")
        ),
        make_key("workspace-id", TEXT, "of TAPD", "TAPD 项目", "'123'", versions=ONLY_V3),
        make_key("repo-name", NAME, "another repository", "其它代码库", "group/lib"),
        make_key(
            "repo-id",
            NAME,
            "another repository, by its id (our own)",
            "其它代码库的 ID（自有扩展）",
            "abc",
            versions=ONLY_V3,
        ),
        make_key(
            "type",
            Words(REPOSITORY_TYPES),
            "kind of repository",
            "代码库类型",
            "github",
            default="git",
        ),
        make_key("scm-code", TEXT, "which server", "代码源", "TGIT"),
        make_key(
            "delete",
            Anything(),
            "a branch or tag is deleted",
            "分支或标签被删除",
            "{types: [branch]}",
            versions=ONLY_V2,
            **ignored("there is no such trigger", "没有这种触发器"),
        ),
        make_key(
            "repo_hook",
            Each(
                Object(
                    name="repo-hook",
                    title=Note("an entry of 'repo_hook'", "repo_hook 条目"),
                    keys=(
                        make_key(
                            "name",
                            NAME,
                            "repository",
                            "代码库",
                            "group/lib",
                            is_required=True,
                            versions=ONLY_V2,
                        ),
                        make_key(
                            "credentials",
                            Anything(),
                            "how it is read",
                            "凭据",
                            "token",
                            versions=ONLY_V2,
                            **ignored("repositories are known by name", "代码库按名称识别"),
                        ),
                        make_key(
                            "events",
                            MapOf(Anything(), special={key.name: key.shape for key in EVENTS}),
                            "as in `on`",
                            "同 `on`",
                            "{push: [main]}",
                            default="push, tag, mr",
                            versions=ONLY_V2,
                        ),
                        make_key(
                            "reposIgnore",
                            TEXTS,
                            "not these",
                            "排除的代码库",
                            "[group/old]",
                            versions=ONLY_V2,
                            **ignored("names are compared whole", "名称整体比较"),
                        ),
                        make_key(
                            "reposIgnoreCondition",
                            Anything(),
                            "not these",
                            "排除条件",
                            "{}",
                            versions=ONLY_V2,
                            **ignored("names are compared whole", "名称整体比较"),
                        ),
                    ),
                )
            ),
            "events of other repositories",
            "其它代码库的事件",
            "[{name: group/lib}]",
            versions=ONLY_V2,
        ),
        make_key(
            "openapi",
            SWITCH,
            "starts over the API",
            "OpenAPI 触发",
            "enabled",
            versions=ONLY_V2,
            **ignored("the API follows 'manual'", "API 启动遵循 manual"),
        ),
    ),
    rules=(_ways_once,),
)
TRIGGERS = Either((ON, Each(ON, fewest=1)))
