"""The table of keys: the file as a whole, variables, stages, reviews, settings."""

from mulligan.core.quality import read_condition
from mulligan.pipeline_yaml.findings import Path
from mulligan.pipeline_yaml.keys_common import (
    CONDITION,
    FLAG,
    IF_MODIFY,
    NAME,
    ONLY_V2,
    ONLY_V3,
    TEMPLATE,
    TEXT,
    TEXTS,
    VALUES,
    enable_key,
    ignored,
    make_key,
)
from mulligan.pipeline_yaml.keys_jobs import JOBS, STEPS
from mulligan.pipeline_yaml.keys_triggers import TRIGGERS
from mulligan.pipeline_yaml.shapes import (
    BOTH,
    V3,
    Anything,
    Check,
    Each,
    Either,
    MapOf,
    Note,
    Object,
    State,
    Text,
    Whole,
    Words,
    has,
)
from mulligan.pipeline_yaml.tree import Node

MOST_FLOWS = 5
STAGE_LABELS = ("Build", "Test", "Deploy", "Approve")
VARIABLE_TYPES = (
    *("vuex-input", "vuex-textarea", "selector", "checkbox", "boolean", "git-ref", "svn-tag"),
    *("repo-ref", "code-lib", "container-type", "artifactory", "sub-pipeline", "custom-file"),
    *("form-list", "tips", "time-picker", "company-staff-input", "password", "date", "long"),
)
_WORK = ("stages", "jobs", "steps", "extends")

# --- variables ----------------------------------------------------------------------------------

OPTION = Object(
    name="option",
    title=Note("an option", "选项"),
    keys=(
        make_key("id", TEXT, "value", "值", "east", is_required=True),
        make_key("label", TEXT, "as it is shown", "显示名", "East"),
        make_key("description", TEXT, "what it means", "说明", "the east"),
    ),
)
PROPS = Object(
    name="props",
    title=Note("'props'", "props"),
    keys=(
        make_key("label", TEXT, "as it is shown", "显示名", "Region"),
        make_key(
            "type",
            Words(VARIABLE_TYPES),
            "how it is entered",
            "类型",
            "vuex-textarea",
            default="vuex-input",
        ),
        make_key(
            "options", Each(Either((TEXT, OPTION))), "values to choose from", "选项", "[{id: east}]"
        ),
        make_key("description", TEXT, "what it means", "说明", "where to"),
        make_key("group", TEXT, "group in the form", "分组", "places"),
        make_key("required", FLAG, "must not be empty", "必填", "true", default="false"),
        make_key("multiple", FLAG, "several may be chosen", "可多选", "true"),
        make_key("payload", Anything(), "where options come from", "远程选项", "{type: remote}"),
        make_key("repo-id", TEXT, "repository", "代码库", "abc"),
        make_key("scm-type", TEXT, "its kind", "代码库类型", "CODE_GIT"),
        make_key("relative-path", TEXT, "path in it", "相对路径", "trunk"),
        make_key(
            "container-type",
            Anything(),
            "kind of machine",
            "构建资源类型",
            "{build-type: DOCKER, os: LINUX}",
        ),
        make_key("filter-rule", TEXT, "of file names", "文件过滤", "'*.zip'"),
        make_key("version-control", FLAG, "keep versions", "版本管理", "true"),
        make_key("metadata", VALUES, "of artifacts", "元数据", "{a: b}"),
        make_key("fields", Anything(), "of a list of forms", "表单字段", "[{id: a}]"),
        make_key("name", TEXT, "as it is shown (old)", "显示名（旧）", "Region", versions=ONLY_V2),
    ),
)


def _constant(node: Node, path: Path, check: Check) -> None:
    const = node.content.get("const")
    asked = node.content.get("allow-modify-at-startup")
    if const is not None and asked is not None and const.text == asked.text == "true":
        detail = "a constant can't be changed at the start"
        check.findings.error_at_key(node, path, "allow-modify-at-startup", detail)


VARIABLE = Object(
    name="variable",
    title=Note("a variable", "变量"),
    keys=(
        make_key("value", Anything(), "its value", "默认值", "east"),
        make_key("name", TEXT, "as it is shown", "显示名", "Region"),
        make_key("readonly", FLAG, "steps can't change it", "运行时只读", "true", default="false"),
        make_key(
            "allow-modify-at-startup",
            FLAG,
            "shown in the start form",
            "启动时可修改",
            "false",
            default="true",
        ),
        make_key("value-not-empty", FLAG, "must not be empty", "不能为空", "true", default="false"),
        make_key("const", FLAG, "always this value", "常量", "true", default="false"),
        make_key("props", PROPS, "how it is entered", "属性", "{type: boolean}"),
        make_key("if", VALUES, "shown only with these values", "显示条件", "{mode: fast}"),
        make_key("as-instance-input", FLAG, "of template instances", "实例入参", "true"),
        make_key("sensitive", FLAG, "hidden in logs", "敏感", "true", default="false"),
    ),
    rules=(_constant,),
)


class Variables(MapOf, frozen=True):
    """Variables by name."""

    def check(self, node: Node, path: Path, check: Check) -> None:
        """Check the variables; only names in capitals may be constants, and those need props."""
        super().check(node, path, check)
        if check.version != V3:
            return
        for name, item in node.content.items():
            is_long = isinstance(item.content, dict)
            if name.isupper() and name.replace("_", "").isalnum() and not is_long:
                detail = f"the variable {name[:60]!r} in capitals needs the long form"
                check.findings.error(item, (*path, name), detail, f"{name}: {{value: ...}}")
            const = item.member("const")
            if const is not None and const.text == "true" and not name.isupper():
                detail = "only variables in capitals may be constants"
                check.findings.error(const, (*path, name, "const"), detail)


VARIABLES = Variables(
    Either((TEXT, Each(TEXT), VARIABLE)),
    key=r"[^\s${}]{1,255}",
    special={"template": Each(Anything())},
)

# --- stages -------------------------------------------------------------------------------------

REVIEW_TYPES = (*("INPUT", "TEXTAREA", "SELECTOR", "SELECTOR-MULTIPLE", "BOOL", "CHECKBOX"),)
REVIEW_VARIABLE = Object(
    name="review-variable",
    title=Note("a variable of a review", "审核变量"),
    keys=(
        make_key("label", TEXT, "as it is shown", "显示名", "where to"),
        make_key(
            "type", Words(REVIEW_TYPES), "how it is entered", "类型", "SELECTOR", default="INPUT"
        ),
        make_key("values", Either((TEXT, Each(TEXT))), "to choose from", "可选值", "[a, b]"),
        make_key("default", Anything(), "value before the answer", "默认值", "a"),
        make_key(
            "required",
            FLAG,
            "must not be empty; in v2.0 never",
            "必填；v2.0 总是必填",
            "true",
            versions=ONLY_V3,
        ),
        make_key("description", TEXT, "what it means", "说明", "where"),
    ),
)
FLOW = Object(
    name="flow",
    title=Note("a review", "审核流"),
    keys=(
        make_key("name", TEXT, "its name", "名称", "owners", default="Flow N"),
        make_key("reviewers", TEXTS, "people, one of whom decides", "审核人", "[alice]"),
        make_key("groups", TEXTS, "groups of people", "用户组", "[managers]", versions=ONLY_V3),
    ),
)
REVIEWS = Object(
    name="reviews",
    title=Note("'reviews'", "reviews"),
    keys=(
        make_key(
            "flows",
            Each(FLOW, fewest=1, most=MOST_FLOWS),
            "one after the other",
            "审核流",
            "[{name: owners, reviewers: [alice]}]",
            is_required=True,
        ),
        make_key(
            "variables",
            MapOf(REVIEW_VARIABLE),
            "what reviewers set",
            "审核变量",
            "{to: {type: SELECTOR, values: [a, b]}}",
        ),
        make_key("description", TEXT, "what is asked", "说明", "please look"),
        make_key(
            "content-format",
            Words(("markdown", "text")),
            "of the description",
            "说明格式",
            "markdown",
            versions=ONLY_V3,
        ),
        make_key(
            "notify-type",
            TEXTS,
            "how people are told",
            "通知方式",
            "[RTX]",
            versions=ONLY_V3,
        ),
        make_key(
            "chat-id",
            TEXTS,
            "groups of the messenger",
            "群 ID",
            "['1']",
            versions=ONLY_V3,
        ),
    ),
)


def _is_gate(node: Node, path: Path, check: Check) -> None:
    """Every rule of a gate can be judged, and there is one."""
    given = node.content.get("rule")
    if given is None:
        if not has(node, "template"):
            check.findings.error(node, path, "'rule' is missing")
        return
    for item in given.content if isinstance(given.content, list) else [given]:
        if read_condition(item.text) is None:
            detail = f"{item.text[:100]!r} is not of the form: plugin.metric > number"
            check.findings.error(item, (*path, "rule"), detail)


NOTICE_TYPES = ("email", "wework-message", "wework-chat", "sms", "voice")
GATE_NOTICE = Object(
    name="gate-notice",
    title=Note("an entry of 'notify-on-fail'", "notify-on-fail 条目"),
    keys=(
        make_key(
            "type",
            Each(Words(NOTICE_TYPES), or_one=True, fewest=1),
            "how",
            "方式",
            "[email]",
            is_required=True,
        ),
        make_key(
            "receivers",
            Each(NAME, or_one=True, fewest=1, most=50),
            "who; chats of `wework-chat`",
            "接收人；wework-chat 为群",
            "[alice]",
            is_required=True,
        ),
    ),
)
GATE = Object(
    name="gate",
    title=Note("a quality gate", "质量红线"),
    keys=(
        make_key("name", NAME, "its name", "名称", "tested", default="by place"),
        make_key(
            "rule",
            Each(NAME, or_one=True, fewest=1, most=100),
            "`plugin.metric > number` or `plugin.task.metric > number`; all must hold",
            "`插件.指标 > 数值` 或 `插件.任务名.指标 > 数值`，须全部满足",
            "['run.cover >= 0.8']",
        ),
        make_key(
            "notify-on-fail",
            Either((GATE_NOTICE, Each(GATE_NOTICE))),
            "who is told when it is not satisfied",
            "未通过时通知谁",
            "[{type: email, receivers: [alice]}]",
        ),
        make_key(
            "continue-on-fail",
            Object(
                name="gatekeepers",
                title=Note("'continue-on-fail'", "continue-on-fail"),
                keys=(
                    make_key(
                        "gatekeepers",
                        Each(NAME, or_one=True, fewest=1, most=50),
                        "who may let the run pass all the same",
                        "谁可以放行",
                        "[bob]",
                        is_required=True,
                    ),
                ),
            ),
            "without it the stage fails at once",
            "没有它则阶段立即失败",
            "{gatekeepers: [bob]}",
        ),
        make_key("template", TEMPLATE, "gates of another file", "引用模板", "gates.yml"),
        make_key(
            "parameters",
            MapOf(Anything()),
            "of the template",
            "模板参数",
            "{a: b}",
            versions=ONLY_V2,
        ),
    ),
    rules=(_is_gate,),
)
_GATES = make_key(
    "gates",
    Each(GATE, most=10),
    "quality gates; in v3.0 our own",
    "质量红线；v3.0 中为自有扩展",
    "[{rule: 'run.cover >= 0.8'}]",
)
_RULES = make_key(
    "rules",
    TEXTS,
    "quality rules of the project, by id (our own)",
    "项目质量规则的 ID（自有扩展）",
    "[tests-green]",
)
CHECK_IN = Object(
    name="check-in",
    title=Note("'check-in'", "check-in"),
    keys=(
        make_key(
            "reviews",
            REVIEWS,
            "people who let the stage begin",
            "人工审核",
            "{flows: [{reviewers: [alice]}]}",
        ),
        _RULES,
        _GATES,
        make_key(
            "timeout-hours",
            Whole(least=1, most=720),
            "most hours of waiting",
            "超时（小时）",
            "8",
            default="24",
        ),
    ),
)
CHECK_OUT = Object(name="check-out", title=Note("'check-out'", "check-out"), keys=(_RULES, _GATES))


def _has_jobs(node: Node, path: Path, check: Check) -> None:
    if not has(node, "jobs") and not has(node, "template"):
        check.findings.error(node, path, "'jobs' is missing")


STAGE = Object(
    name="stage",
    title=Note("a stage", "阶段"),
    keys=(
        make_key("name", TEXT, "name", "名称", "build", default="stage-N"),
        make_key("id", TEXT, "id in expressions", "阶段 ID", "build"),
        make_key(
            "desc",
            TEXT,
            "what it is for",
            "说明",
            "builds",
            **ignored("it is shown nowhere", "不展示"),
        ),
        make_key(
            "label",
            Each(Words(STAGE_LABELS), or_one=True),
            "kind",
            "标签",
            "Deploy",
            default="Build",
        ),
        enable_key(),
        make_key("if", CONDITION, "a condition", "条件", "variables.go == 'yes'"),
        IF_MODIFY,
        make_key(
            "fast-kill",
            FLAG,
            "one failed job ends the others",
            "失败即终止",
            "true",
            default="false",
        ),
        make_key(
            "check-in",
            CHECK_IN,
            "before it begins",
            "准入",
            "{reviews: {flows: [{reviewers: [alice]}]}}",
        ),
        make_key(
            "check-out",
            CHECK_OUT,
            "before the next one",
            "准出",
            "{rules: [tests-green]}",
        ),
        make_key("jobs", JOBS, "jobs side by side", "Job", "{a: {steps: [{run: make}]}}"),
        make_key("template", TEMPLATE, "stages of another file", "引用模板", "stages.yml"),
        make_key(
            "parameters",
            MapOf(Anything()),
            "of the template",
            "模板参数",
            "{a: b}",
            versions=ONLY_V2,
        ),
    ),
    rules=(_has_jobs,),
)

# --- settings -----------------------------------------------------------------------------------

NOTICE = Object(
    name="notice",
    title=Note("a notice", "通知"),
    keys=(
        make_key(
            "type",
            Each(Words(NOTICE_TYPES), or_one=True),
            "how",
            "方式",
            "[email]",
            is_required=True,
        ),
        make_key(
            "if",
            Words(("SUCCESS", "FAILURE", "ALWAYS", "CANCELED", "CANCELLED")),
            "when",
            "何时",
            "FAILURE",
            default="both",
        ),
        make_key("receivers", TEXTS, "who", "接收人", "[alice]", default="${{ ci.actor }}"),
        make_key("groups", TEXTS, "groups of people", "用户组", "[managers]"),
        make_key("ccs", TEXTS, "copies", "抄送", "[bob]", versions=ONLY_V2),
        make_key("title", TEXT, "title", "标题", "build", versions=ONLY_V2),
        make_key("content", TEXT, "text", "内容", "done"),
        make_key("chat-id", TEXTS, "groups of the messenger", "群 ID", "['1']"),
        make_key(
            "content-format", Words(("markdown", "text")), "of the text", "内容格式", "markdown"
        ),
        make_key("attach-build-url", FLAG, "with the address of the run", "附构建链接", "true"),
    ),
)
CONCURRENCY = Object(
    name="concurrency",
    title=Note("'concurrency'", "concurrency"),
    keys=(
        make_key("group", TEXT, "runs of one group follow one another", "并发组", "deploy"),
        make_key(
            "cancel-in-progress",
            FLAG,
            "a new run ends the others",
            "取消进行中的",
            "true",
            default="false",
        ),
        make_key(
            "queue-length",
            Whole(least=0, most=200),
            "most that wait",
            "队列长度",
            "5",
            default="10",
        ),
        make_key(
            "queue-timeout-minutes",
            Whole(least=1, most=1440),
            "most minutes of waiting",
            "排队超时",
            "60",
            default="480",
        ),
        make_key(
            "max-parallel",
            Whole(least=1, most=200),
            "most at once, without group",
            "最大并发",
            "20",
            default="200",
        ),
    ),
)
RESOURCES = Object(
    name="resources",
    title=Note("'resources'", "resources"),
    keys=(
        make_key(
            "repositories",
            Each(MapOf(Anything())),
            "repositories of templates",
            "模板代码库",
            "[{repository: group/ci, name: shared}]",
        ),
        make_key(
            "pools",
            Each(MapOf(Anything())),
            "pools of other projects",
            "其它项目资源池",
            "[{from: p@pool, name: pool}]",
        ),
    ),
)
RECOMMENDED = Object(
    name="recommended-version",
    title=Note("'recommended-version'", "recommended-version"),
    keys=(
        make_key("enabled", FLAG, "on or off", "开关", "true", default="true"),
        make_key(
            "allow-modify-at-startup", FLAG, "shown in the start form", "启动时可修改", "true"
        ),
        make_key("major", TEXT, "first number", "主版本", "1"),
        make_key("minor", TEXT, "second number", "次版本", "0"),
        make_key("fix", TEXT, "third number", "修订版本", "0"),
        make_key("as-instance-input", FLAG, "of template instances", "实例入参", "true"),
        make_key(
            "build-no",
            Object(
                name="build-no",
                title=Note("'build-no'", "build-no"),
                keys=(
                    make_key(
                        "initial-value",
                        Whole(least=0, most=2_000_000_000),
                        "first",
                        "初始值",
                        "1",
                        default="0",
                    ),
                    make_key(
                        "strategy",
                        Words(("plus1-when-success", "plus1-everytime", "invariable")),
                        "how it grows",
                        "递增策略",
                        "plus1-when-success",
                        default="plus1-everytime",
                    ),
                ),
            ),
            "the last number",
            "构建号",
            "{initial-value: 1}",
        ),
    ),
)
EXTENDS = Object(
    name="extends",
    title=Note("'extends'", "extends"),
    keys=(
        make_key(
            "template",
            Either((TEMPLATE, MapOf(Anything()))),
            "the file",
            "模板",
            "all.yml",
            is_required=True,
        ),
        make_key("parameters", MapOf(Anything()), "its parameters", "参数", "{a: b}"),
        make_key(
            "variables",
            MapOf(Anything()),
            "values of its variables",
            "变量",
            "{a: b}",
            versions=ONLY_V3,
        ),
        make_key(
            "trigger-conf",
            Anything(),
            "its triggers",
            "触发器配置",
            "{}",
            versions=ONLY_V3,
            **ignored("triggers are those of this file", "触发器以本文件为准"),
        ),
        make_key(
            "recommended-version",
            Anything(),
            "its version",
            "推荐版本号",
            "{}",
            versions=ONLY_V3,
            **ignored("the version is that of the template", "以模板为准"),
        ),
    ),
)


def _one_body(node: Node, path: Path, check: Check) -> None:
    found = [key for key in node.content if key in _WORK and has(node, key)]
    if not found:
        check.findings.error(node, path, "needs one of stages, jobs, steps")
    for extra in found[1:]:
        detail = f"{extra!r} can't stand beside {found[0]!r}"
        check.findings.error_at_key(node, path, extra, detail)


PIPELINE = Object(
    name="pipeline",
    title=Note("the file", "文件"),
    keys=(
        make_key(
            "version", Words(BOTH), "`v2.0` or `v3.0`", "`v2.0` 或 `v3.0`", "v3.0", is_required=True
        ),
        make_key("name", Text(longest=255), "name", "名称", "demo", default="name of the file"),
        make_key("desc", Text(longest=255), "what it is for", "说明", "a demo", versions=ONLY_V3),
        make_key("label", TEXTS, "labels", "标签", "[web]"),
        make_key(
            "on",
            TRIGGERS,
            "what starts it",
            "触发器",
            "{push: [main]}",
            default="push, tag, mr, manual",
        ),
        make_key("variables", VARIABLES, "start parameters", "变量", "{region: east}"),
        make_key(
            "stages",
            Each(STAGE, fewest=1),
            "stages in order",
            "阶段",
            "[{jobs: {a: {steps: [{run: make}]}}}]",
        ),
        make_key(
            "jobs", JOBS, "the jobs of one stage", "一个阶段的 Job", "{a: {steps: [{run: make}]}}"
        ),
        make_key(
            "steps",
            STEPS,
            "the steps of one job",
            "一个 Job 的步骤",
            "[{run: make}]",
        ),
        make_key(
            "extends",
            EXTENDS,
            "a whole pipeline from a template",
            "由模板生成",
            "{template: all.yml}",
        ),
        make_key(
            "resources",
            RESOURCES,
            "repositories and pools",
            "资源",
            "{repositories: [{repository: group/ci, name: shared}]}",
        ),
        make_key(
            "finally",
            JOBS,
            "jobs that run at the end, whatever happened",
            "最后执行的 Job",
            "{clean: {steps: [{run: rm -rf tmp}]}}",
        ),
        make_key(
            "notices",
            Each(NOTICE),
            "messages at the end",
            "结束通知",
            "[{type: [email]}]",
        ),
        make_key("concurrency", CONCURRENCY, "how many runs at once", "并发", "{group: deploy}"),
        make_key(
            "disable-pipeline",
            FLAG,
            "it can't be started",
            "停用流水线",
            "true",
            default="false",
            versions=ONLY_V3,
        ),
        make_key(
            "fail-if-variable-invalid",
            FLAG,
            "a value that is too long stops the start",
            "变量超长则失败",
            "true",
            default="false",
            versions=ONLY_V3,
        ),
        make_key(
            "custom-build-num",
            TEXT,
            "form of the alias of the number",
            "构建号格式",
            "'${{BUILD_NO_OF_DAY}}'",
            versions=ONLY_V3,
        ),
        make_key(
            "recommended-version",
            RECOMMENDED,
            "a version that counts",
            "推荐版本号",
            "{build-no: {initial-value: 1}}",
            versions=ONLY_V3,
        ),
        make_key(
            "syntax-dialect",
            Words(("INHERIT", "CLASSIC", "CONSTRAINT")),
            "how `${}` and `${{ }}` are read; `INHERIT`: as the project says, else CONSTRAINT",
            "变量语法；`INHERIT`：按项目设置，否则为 CONSTRAINT",
            "CLASSIC",
            default="INHERIT",
            versions=ONLY_V3,
        ),
        make_key(
            "cancel-policy",
            Words(("BROAD", "RESTRICTED")),
            "who may stop a run",
            "取消权限",
            "BROAD",
            default="RESTRICTED",
            versions=ONLY_V3,
        ),
        make_key(
            "runs-on",
            Anything(),
            "of another kind of pipelines",
            "创作流",
            "docker",
            versions=ONLY_V3,
            **ignored("only jobs have machines here", "这里只有 Job 指定构建资源"),
        ),
        make_key(
            "parameters",
            Each(MapOf(Anything())),
            "of a template",
            "模板参数",
            "[{name: a, type: string}]",
            versions=ONLY_V2,
            state=State.REFUSED,
            why=Note("only templates have parameters", "只有模板可以有参数"),
        ),
    ),
    rules=(_one_body,),
)
