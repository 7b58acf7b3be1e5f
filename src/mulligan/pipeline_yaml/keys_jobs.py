"""The table of keys: jobs and steps."""

from mulligan.pipeline_yaml.findings import Path
from mulligan.pipeline_yaml.keys_common import (
    CONDITION,
    ENVIRONMENT,
    FLAG,
    IF_MODIFY,
    MOST_MINUTES,
    NAME,
    ONLY_V2,
    ONLY_V3,
    STORED,
    TEMPLATE,
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
    near,
)
from mulligan.pipeline_yaml.tree import Node

MOST_RETRIES = 5
MOST_PARALLEL = 50
LONGEST_JOB_ID = 128
SHELLS = ("bash", "cmd", "pwsh", "powershell", "python", "sh", "win_bash", "auto")
SYSTEMS = ("linux", "macos", "windows")
_MINUTES = Whole(least=1, most=MOST_MINUTES, or_expression=True)
_USES = r"[^@\s]+@[^@\s]+"


def _timeout(default: str) -> Key:
    return make_key(
        "timeout-minutes", _MINUTES, "most minutes", "超时（分钟）", "30", default=default
    )


# --- where a job runs ---------------------------------------------------------------------------

CREDENTIALS = Either(
    (
        TEXT,
        Object(
            name="credentials",
            title=Note("credentials", "凭据"),
            keys=(
                make_key("username", TEXT, "user", "用户名", "robot"),
                make_key("password", TEXT, "password", "密码", "${{ settings.image.password }}"),
            ),
        ),
    )
)
CONTAINER = Object(
    name="container",
    title=Note("a container", "容器"),
    keys=(
        make_key("image", TEXT, "image", "镜像", "python:3.12"),
        make_key("image-code", TEXT, "image of the store", "商店镜像", "python"),
        make_key("image-version", TEXT, "its version", "镜像版本", "1.*"),
        make_key("credentials", CREDENTIALS, "of the registry", "镜像凭据", "registry"),
        make_key("options", Anything(), "mounts and the like", "运行选项", "{network: host}"),
        make_key(
            "image-pull-policy",
            Words(("always", "if-not-present")),
            "when it is fetched",
            "拉取策略",
            "always",
        ),
    ),
)
RUNS_ON_MAP = Object(
    name="runs-on",
    title=Note("'runs-on'", "runs-on"),
    keys=(
        make_key("pool-name", TEXT, "`docker`, `agentless`, or a pool", "构建资源", "agentless"),
        make_key("self-hosted", FLAG, "machines of one's own", "自有构建机", "true"),
        make_key("node-name", TEXT, "one machine", "指定机器", "builder-1"),
        make_key("lock-resource-with", TEXT, "the machine of that job", "复用构建机", "make"),
        make_key(
            "agent-selector",
            Each(Words(SYSTEMS), or_one=True),
            "system; the first counts, `windows` changes the shell",
            "操作系统；取第一个",
            "[linux]",
        ),
        make_key("container", CONTAINER, "image of `docker`", "容器镜像", "{image: 'python:3.12'}"),
        make_key("image", TEXT, "image of `docker`, short", "镜像（简写）", "python:3.12"),
        make_key(
            "needs",
            VALUES,
            "tools and versions",
            "工具及版本",
            "{go: '1.22'}",
            **ignored("a job finds the tools that its machine has", "任务使用机器上已有的工具"),
        ),
        make_key(
            "queue-timeout-minutes",
            Whole(least=1, most=MOST_MINUTES),
            "most minutes until a machine is there",
            "等待构建机超时",
            "20",
            default="10",
            **STORED,
        ),
        make_key("workspace", TEXT, "folder", "工作空间", "/data/w", **STORED),
        make_key("hw-spec", TEXT, "size of the machine", "机器规格", "Basic", **STORED),
        make_key("xcode", TEXT, "version of Xcode", "Xcode 版本", "'15'", **STORED),
        make_key(
            "concurrency-limit-per-node",
            Whole(least=1, most=1000),
            "most jobs on a machine",
            "单节点并发",
            "1",
            **STORED,
        ),
        make_key(
            "concurrency-limit-total",
            Whole(least=1, most=1000),
            "most jobs in all",
            "总并发",
            "5",
            **STORED,
        ),
    ),
)
RUNS_ON = Either((NAME, RUNS_ON_MAP))

# --- matrix and mutex ---------------------------------------------------------------------------

_CASES = Either((NAME, Each(MapOf(Anything()))))
STRATEGY = Object(
    name="strategy",
    title=Note("'strategy'", "strategy"),
    keys=(
        make_key(
            "matrix",
            Either((NAME, MapOf(Either((Each(Anything()), TEXT)), fewest=1))),
            "dimensions with their values, or an expression",
            "维度及取值，或表达式",
            "{py: ['3.11', '3.12']}",
            is_required=True,
        ),
        make_key("include", _CASES, "more combinations", "追加组合", "[{py: '3.13'}]"),
        make_key("exclude", _CASES, "not these", "排除组合", "[{py: '3.11'}]"),
        make_key(
            "fast-kill", FLAG, "one failure ends the others", "失败即终止", "true", default="false"
        ),
        make_key(
            "max-parallel",
            Whole(least=0, most=MOST_PARALLEL),
            "at once",
            "最大并发",
            "2",
            default="5",
        ),
    ),
)
MUTEX = Object(
    name="mutex",
    title=Note("'mutex'", "mutex"),
    keys=(
        make_key("label", NAME, "name of the lock", "互斥组名称", "deploy", is_required=True),
        make_key("queue-enable", FLAG, "wait while it is taken", "是否排队", "true"),
        make_key(
            "queue-length",
            Whole(least=0, most=10_000),
            "most that wait; switches waiting on",
            "队列长度；写了即排队",
            "3",
            default="5",
        ),
        make_key(
            "timeout-minutes",
            Whole(least=0, most=MOST_MINUTES, or_expression=True),
            "most minutes of waiting",
            "等待超时",
            "60",
            default="900",
        ),
    ),
)
# --- steps --------------------------------------------------------------------------------------


def _one_work(node: Node, path: Path, check: Check) -> None:
    works = [key for key in ("run", "checkout", "uses", "template") if has(node, key)]
    if len(works) != 1:
        found = f"; this one has {' and '.join(works)}" if works else ""
        check.findings.error(node, path, f"a step has one of run, checkout, uses{found}")
    if "template" not in works:
        for key in ("parameters",):
            if key in node.content:
                detail = f"{key!r} belongs to 'template'"
                check.findings.error_at_key(node, path, key, detail)


STEP = Object(
    name="step",
    title=Note("a step", "步骤"),
    keys=(
        make_key("run", TEXT, "a script", "脚本", "make"),
        make_key(
            "uses",
            Text(pattern=_USES),
            "a plugin, `code@version`",
            "插件 `code@version`",
            "notify@1.*",
        ),
        make_key(
            "checkout",
            Either(
                (
                    NAME,
                    Object(
                        name="checkout",
                        title=Note("'checkout'", "checkout"),
                        keys=(
                            make_key("repo-id", TEXT, "by id", "代码库 ID", "abc"),
                            make_key("repo-name", TEXT, "by name", "代码库别名", "group/lib"),
                        ),
                    ),
                )
            ),
            "`self`, a URL, `{repo-id}` or `{repo-name}`",
            "`self`、URL、`{repo-id}` 或 `{repo-name}`",
            "https://git.example.com/a.git",
        ),
        make_key("name", TEXT, "name", "名称", "compile"),
        make_key(
            "id", Text(pattern=r"[A-Za-z0-9_.\-]{1,64}"), "id, unique in the job", "步骤 ID", "make"
        ),
        make_key(
            "desc",
            TEXT,
            "what it is for",
            "说明",
            "makes it",
            **ignored("it is shown nowhere", "不展示"),
        ),
        make_key("namespace", TEXT, "of its outputs", "输出命名空间", "b"),
        make_key("with", MapOf(Anything()), "inputs", "输入参数", "{path: dist}"),
        make_key(
            "if",
            CONDITION,
            "`FAILURE`, `ALWAYS`, `ALWAYS_UNLESS_CANCELLED`, or an expression",
            "`FAILURE`、`ALWAYS`、`ALWAYS_UNLESS_CANCELLED` 或表达式",
            "FAILURE",
        ),
        IF_MODIFY,
        _timeout("900 (v2.0: 480)"),
        make_key(
            "continue-on-error",
            Words(("true", "false", "auto", "manual")),
            "go on after a failure; `manual`: a person may skip the step",
            "失败后继续；`manual`：由人工跳过",
            "true",
            default="false",
        ),
        make_key(
            "retry-times",
            Whole(least=0, most=MOST_RETRIES),
            "automatic tries",
            "自动重试次数",
            "2",
            default="0",
        ),
        make_key(
            "can-manually-retry",
            FLAG,
            "offer a retry button",
            "显示重试按钮",
            "true",
            default="false",
        ),
        make_key("env", ENVIRONMENT, "environment", "环境变量", "{LEVEL: '2'}"),
        enable_key(),
        make_key(
            "can-pause-before-run",
            FLAG,
            "stop before it runs",
            "执行前暂停",
            "true",
            default="false",
        ),
        make_key(
            "pause-notice-receivers",
            TEXTS,
            "who is told of the pause",
            "暂停通知人",
            "[alice]",
        ),
        make_key("shell", Words(SHELLS), "of `run`", "`run` 使用的 shell", "sh", default="bash"),
        make_key("template", TEMPLATE, "steps of another file", "引用模板", "steps.yml"),
        make_key(
            "parameters",
            MapOf(Anything()),
            "of the template",
            "模板参数",
            "{a: b}",
            versions=ONLY_V2,
        ),
    ),
    rules=(_one_work,),
)

# --- jobs ---------------------------------------------------------------------------------------


def _has_steps(node: Node, path: Path, check: Check) -> None:
    if not has(node, "steps") and not has(node, "template"):
        check.findings.error(node, path, "'steps' is missing")


class Steps(Each, frozen=True):
    """Steps in order."""

    def check(self, node: Node, path: Path, check: Check) -> None:
        """Check the steps, and that no id stands twice."""
        super().check(node, path, check)
        seen: set[str] = set()
        for number, step in enumerate(node.content):
            ident = step.member("id")
            if ident is None or not ident.text:
                continue
            if ident.text in seen:
                detail = f"the id {ident.text[:60]!r} is used twice in its job"
                check.findings.error(ident, (*path, str(number), "id"), detail)
            seen.add(ident.text)


STEPS = Steps(STEP, fewest=1)
JOB = Object(
    name="job",
    title=Note("a job", "Job"),
    keys=(
        make_key("name", TEXT, "name", "名称", "build", default="the key"),
        make_key(
            "desc",
            TEXT,
            "what it is for",
            "说明",
            "builds",
            **ignored("it is shown nowhere", "不展示"),
        ),
        enable_key(),
        make_key("runs-on", RUNS_ON, "where it runs", "构建资源", "agentless", default="docker"),
        make_key(
            "if",
            CONDITION,
            "a condition; in `finally` also SUCCESS, FAILURE, CANCELED, ALWAYS",
            "条件；`finally` 中还可用 SUCCESS、FAILURE、CANCELED、ALWAYS",
            "variables.go == 'yes'",
        ),
        IF_MODIFY,
        make_key("depend-on", TEXTS, "jobs of the stage that come first", "依赖的 Job", "[other]"),
        make_key("steps", STEPS, "steps in order", "步骤", "[{run: make}]"),
        _timeout("900 (v2.0: 480)"),
        make_key("env", ENVIRONMENT, "environment", "环境变量", "{LEVEL: '2'}"),
        make_key(
            "continue-on-error",
            FLAG,
            "its failure does not fail the stage",
            "失败不影响阶段",
            "true",
            default="false",
        ),
        make_key(
            "strategy", STRATEGY, "one job for each combination", "矩阵", "{matrix: {py: ['3.12']}}"
        ),
        make_key("mutex", MUTEX, "a lock that it holds", "互斥组", "{label: deploy}"),
        make_key(
            "services",
            MapOf(Anything()),
            "containers beside it",
            "伴随服务",
            "{db: {image: 'mysql:8'}}",
            versions=ONLY_V2,
            **ignored("no containers are started beside a job", "不启动伴随容器"),
        ),
        make_key(
            "resource-exclusive-declaration",
            MUTEX,
            "the same under its old name",
            "互斥组的旧写法",
            "{label: deploy}",
            versions=ONLY_V2,
        ),
        make_key(
            "show-runs-on",
            FLAG,
            "the starter may choose the machine",
            "启动时可选机器",
            "true",
            **STORED,
        ),
        make_key(
            "checkpoint",
            Words(("never", "on-failure", "each-step")),
            "our own: when its workspace is saved",
            "自有扩展：何时保存工作空间",
            "each-step",
            versions=ONLY_V3,
            **ignored(
                "stored with the job, but workspaces are not saved yet",
                "随 Job 保存，但尚不保存工作空间",
            ),
        ),
        make_key(
            "template",
            Either((TEMPLATE, Each(Anything()))),
            "steps of another file",
            "引用模板",
            "job.yml",
        ),
        make_key(
            "parameters",
            MapOf(Anything()),
            "of the template",
            "模板参数",
            "{a: b}",
            versions=ONLY_V2,
        ),
    ),
    rules=(_has_steps,),
)


def known_dependencies(node: Node, path: Path, check: Check) -> None:
    """Check that jobs wait for jobs that there are."""
    for name, job in node.content.items():
        needed = job.member("depend-on") if isinstance(job.content, dict) else None
        if needed is None:
            continue
        for each in needed.content if isinstance(needed.content, list) else [needed]:
            if check.findings.is_full:
                return
            if each.text and each.text not in node.content and "${{" not in each.text:
                check.findings.error(
                    each,
                    (*path, name, "depend-on"),
                    f"there is no job {each.text[:60]!r} in this stage",
                    near(each.text, node.content),
                )


class JobMap(MapOf, frozen=True):
    """Jobs by their ids."""

    def check(self, node: Node, path: Path, check: Check) -> None:
        """Check the jobs, and what they wait for."""
        super().check(node, path, check)
        known_dependencies(node, path, check)


JOBS = JobMap(
    JOB,
    key=rf"[A-Za-z0-9_.\-]{{1,{LONGEST_JOB_ID}}}",
    fewest=1,
    special={"template": Either((TEMPLATE, Each(Anything())))},
)
