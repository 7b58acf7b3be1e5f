"""Write docs/reference/bkci-model.md and its Chinese twin: what each field of a model does here.

    .venv/bin/python docs/bkci_fields.py

Nothing is told by hand but the reasons: each field is set to a value in a small pipeline, which is
then read as the API reads it. It *works* if the pipeline means something else by that. It belongs
to the *form* if only the start form shows it. It is *kept* if it only stands in the document, and
*refused* if it can't be saved. A test checks that the pages are what this writes; a field without
a meaning can't be written without a reason.
"""

import copy
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

from mulligan.core.errors import InvalidError
from mulligan.core.ids import PipelineId, UserName
from mulligan.core.records import PipelineVersion
from mulligan.facades.bkci.callback_out import BkciWords
from mulligan.facades.bkci.definitions import read_definition
from mulligan.facades.bkci.notice_in import BkciNotices
from mulligan.facades.bkci.pipeline_out import render_start_form
from mulligan.facades.bkci.settings_io import read_setting
from mulligan.facades.common.ways import Limits

Json = dict[str, Any]
FOLDER = Path(__file__).parent / "reference"

# Why something does nothing, by a short word: English, Chinese.
REASONS = {
    "run": ("written by the server into the copy of a build", "由服务写入构建副本"),
    "id": ("given by position at each save", "每次保存时按位置分配"),
    "ui": ("for the page that edits pipelines", "仅供编辑页面使用"),
    "old": ("replaced in BK-CI by another field", "在蓝盾中已被其他字段取代"),
    "origin": ("tells where the model came from", "说明模型的来历"),
    "notice": ("the text of a notice is the server's", "通知的内容由服务决定"),
    "pool": ("jobs go to runners by pool; a machine is not prepared", "按资源池分配，不准备构建机"),
    "image": ("jobs run on the runner itself", "任务直接在运行器上运行"),
    "reuse": ("a job does not ask for another job's machine", "任务不复用其他任务的构建机"),
    "vars": ("there are no groups of variables", "没有公共变量组"),
    "include": ("templates are included in pipeline files", "模板在流水线文件中引用"),
    "code": ("pipelines are not kept in a repository here", "流水线不存放在代码库中"),
    "plugin": ("read by the plugin when it runs", "由插件在运行时读取"),
    "share": ("there is no share to mount", "没有可挂载的共享盘"),
    "faq": ("shown nowhere", "不在任何地方显示"),
    "charset": ("output is read as UTF-8", "输出按 UTF-8 读取"),
    "never": ("declared by BK-CI, never given a meaning", "蓝盾声明过，但从未赋予含义"),
    "creative": ("belongs to creative flows", "属于创作流"),
    "checkout": ("a checkout always begins clean", "检出总是从干净目录开始"),
    "svn": ("only Git is checked out", "仅支持 Git"),
    "pipeline": ("follows from the pipeline", "由流水线本身决定"),
    "gate": ("the code host decides what may be merged", "能否合并由代码托管平台决定"),
    "remote": ("tokens are made by the server", "令牌由服务器生成"),
}


class Field(NamedTuple):
    """A field and a value that differs from its default.

    Args:
        beside: Members that must stand beside it for it to have a meaning.
        why: Key of REASONS, for one that does not work.
    """

    name: str
    value: object
    why: str = ""
    beside: Json = {}  # noqa: RUF012 - never changed


class Group(NamedTuple):
    """Fields of one kind of object. `place`: where it stands; `base`: what it holds."""

    english: str
    chinese: str
    place: tuple[str | int, ...]
    base: Json
    fields: tuple[Field, ...]


def _all(names: str, value: object, why: str) -> tuple[Field, ...]:
    return tuple(Field(name, value, why) for name in names.split())


_STAGE = ("stages", 1)
_JOB = (*_STAGE, "containers", 0)
_TASK = (*_JOB, "elements", 0)
_TRIGGER_JOB = ("stages", 0, "containers", 0)
_TRIGGER = (*_TRIGGER_JOB, "elements", 0)
_RUN_TIMES = "status startEpoch executeCount canRetry timeCost"
_PAIR = [{"key": "a", "value": "b"}]
_ON_VARIABLES = {"runCondition": "CUSTOM_VARIABLE_MATCH"}
_ON_EXPRESSION = {"runCondition": "CUSTOM_CONDITION_MATCH"}
_CONDITIONS = (
    Field("runCondition", "CUSTOM_VARIABLE_MATCH"),
    Field("customVariables", _PAIR, beside=_ON_VARIABLES),
    Field("customCondition", "variables.a == 'b'", beside=_ON_EXPRESSION),
)
_MAIL = {"types": ["EMAIL"], "users": "ann"}
_NOTICES = (
    Field("notifyType", ["WEWORK_GROUP"], beside={"notifyGroup": ["chat"]}),
    Field("notifyGroup", ["chat"], beside={"notifyType": ["WEWORK_GROUP"]}),
)
_REVIEW = {"manualTrigger": True, "reviewGroups": [{"id": "g", "reviewers": ["ann"]}]}

GROUPS = (
    Group(
        "Model",
        "Model",
        (),
        {},
        (
            Field("name", "other"),
            Field("desc", "a text"),
            Field("labels", ["l-1"]),
            Field("staticViews", ["v-1"]),
            *_all("instanceFromTemplate templateId srcTemplateId tips", "x", "origin"),
            *_all("pipelineCreator projectId pipelineId latestVersion", "x", "pipeline"),
            Field("events", {"a": {"callbackEvent": "BUILD_END", "callbackUrl": "http://x"}}),
            Field("timeCost", {}, "run"),
            *_all("resources template overrideTemplateField", {"a": 1}, "include"),
            Field("publicVarGroups", [{"groupName": "g"}], "vars"),
        ),
    ),
    Group(
        "Stage",
        "Stage",
        _STAGE,
        {},
        (
            Field("id", "stage-9", "id"),
            Field("name", "other"),
            Field("stageIdForUser", "other"),
            Field("fastKill", True),
            Field("finally", True),
            Field("stageControlOption", {"enable": False}),
            Field("checkIn", _REVIEW),
            Field("checkOut", {"ruleIds": ["r"]}),
            Field("tag", ["t"], "ui"),
            Field("customBuildEnv", {"a": "b"}, "old"),
            Field("template", {"templatePath": "a"}, "include"),
            *_all(f"{_RUN_TIMES} elapsed", 1, "run"),
        ),
    ),
    Group(
        "stageControlOption",
        "stageControlOption",
        (*_STAGE, "stageControlOption"),
        {},
        (
            Field("enable", False),
            Field("ifModify", ["src/"]),
            *_CONDITIONS,
            Field("manualTrigger", True, beside={"triggerUsers": ["ann"]}),
            Field(
                "triggerUsers",
                ["bob"],
                beside={"manualTrigger": True, "triggerUsers": ["ann"]},
            ),
            Field("timeout", 3, beside={"manualTrigger": True, "triggerUsers": ["ann"]}),
            Field(
                "reviewParams",
                [{"key": "k", "valueType": "STRING"}],
                beside={"manualTrigger": True, "triggerUsers": ["ann"]},
            ),
            Field("reviewDesc", "why", beside={"manualTrigger": True, "triggerUsers": ["ann"]}),
            Field("triggered", True, "run"),
        ),
    ),
    Group(
        "checkIn",
        "checkIn",
        (*_STAGE, "checkIn"),
        _REVIEW,
        (
            Field("manualTrigger", False),
            Field("reviewGroups", [{"id": "g", "reviewers": ["bob"]}]),
            Field("reviewParams", [{"key": "k", "valueType": "STRING"}]),
            Field("reviewDesc", "why"),
            Field("timeout", 3),
            Field("ruleIds", ["r"]),
            Field("gates", [{"rules": ["a.b > 1"]}]),
            Field("checkTimes", 1, "run"),
            Field("status", "REVIEWING", "run"),
            Field("markdownContent", True, "ui"),
            *_NOTICES,
        ),
    ),
    Group(
        "checkIn.gates[], checkOut.gates[]",
        "checkIn.gates[], checkOut.gates[]",
        (*_STAGE, "checkIn", "gates", 0),
        {"rules": ["a.b > 1"]},
        (
            Field("name", "other"),
            Field("rules", ["a.c < 1"]),
            Field("gatekeepers", ["ann"]),
            Field("notices", [{"types": ["EMAIL"], "receivers": ["ann"]}]),
        ),
    ),
    Group(
        "checkIn.reviewGroups[]",
        "checkIn.reviewGroups[]",
        (*_STAGE, "checkIn", "reviewGroups", 0),
        {"reviewers": ["ann"]},
        (
            Field("id", "other"),
            Field("name", "other"),
            Field("reviewers", ["bob"]),
            Field("groups", ["owners"]),
            *_all("status operator reviewTime suggest params", "x", "run"),
        ),
    ),
    Group(
        "checkIn.reviewParams[]",
        "checkIn.reviewParams[]",
        (*_STAGE, "checkIn", "reviewParams", 0),
        {"key": "k"},
        (
            Field("key", "other"),
            Field("value", "v"),
            Field("valueType", "BOOLEAN"),
            Field("required", True),
            Field("desc", "a text"),
            *_all("options chineseName variableOption", "x", "ui"),
        ),
    ),
    Group(
        "Trigger job",
        "触发器 Job",
        _TRIGGER_JOB,
        {},
        (
            Field("params", [{"id": "other", "type": "STRING", "defaultValue": ""}]),
            Field("buildNo", {"buildNo": 3, "buildNoType": "EVERY_BUILD_INCREMENT"}),
            Field("elements", []),
            Field("templateParams", [{"id": "a"}], "include"),
            *_all("id containerId", "9", "id"),
            Field("name", "other", "ui"),
            *_all(_RUN_TIMES, 1, "run"),
        ),
    ),
    Group(
        "Job (`vmBuild`, `normal`)",
        "Job（`vmBuild`、`normal`）",
        _JOB,
        {"@type": "vmBuild"},
        (
            Field("name", "other"),
            Field("jobId", "other"),
            Field("containerHashId", "c-" + "9" * 32),
            *_all("id containerId", "9", "id"),
            Field("jobControlOption", {"enable": False}),
            Field("mutexGroup", {"enable": True, "mutexGroupName": "m"}),
            Field(
                "matrixGroupFlag",
                True,
                beside={"matrixControlOption": {"strategyStr": "a: [1]"}},
            ),
            Field(
                "matrixControlOption",
                {"strategyStr": "a: [1, 2]"},
                beside={
                    "matrixGroupFlag": True,
                    "matrixControlOption": {"strategyStr": "a: [1]"},
                },
            ),
            Field("dispatchType", {"buildType": "THIRD_PARTY_AGENT_ENV", "envName": "pool"}),
            Field("customEnv", _PAIR),
            Field("maxRunningMinutes", 7),
            Field("baseOS", "WINDOWS", "pool"),
            *_all("buildEnv customBuildEnv", {"jdk": "17"}, "pool"),
            Field("maxQueueMinutes", 7, "old"),
            *_all("showBuildResource enableExternal nfsSwitch", True, "share"),
            *_all(
                "vmNames thirdPartyAgentId thirdPartyAgentEnvId thirdPartyWorkspace "
                "dockerBuildVersion tstackAgentId enableSkip conditions",
                "x",
                "old",
            ),
            *_all(
                f"{_RUN_TIMES} matrixGroupId matrixContext groupContainers containPostTaskFlag "
                "systemElapsed elementElapsed startVMStatus startVMTaskSeq",
                1,
                "run",
            ),
        ),
    ),
    Group(
        "jobControlOption",
        "jobControlOption",
        (*_JOB, "jobControlOption"),
        {},
        (
            Field("enable", False),
            Field("ifModify", ["src/"]),
            Field("timeout", 7),
            Field("timeoutVar", "${{ a }}"),
            *_CONDITIONS,
            Field("dependOnId", ["lint"], beside={"dependOnType": "ID"}),
            Field("dependOnName", "lint", beside={"dependOnType": "NAME"}),
            Field("dependOnType", "NAME", beside={"dependOnId": ["lint"]}),
            Field("continueWhenFailed", True),
            Field("prepareTimeout", 7, "pool"),
            Field("dependOnContainerId2JobIds", {}, "run"),
            Field("singleNodeConcurrency", 1),
            Field("allNodeConcurrency", 1),
        ),
    ),
    Group(
        "mutexGroup",
        "mutexGroup",
        (*_JOB, "mutexGroup"),
        {"enable": True, "mutexGroupName": "m", "queueEnable": True, "queue": 5},
        (
            Field("enable", False),
            Field("mutexGroupName", "other"),
            Field("queueEnable", False),
            Field("queue", 7),
            Field("timeout", 7),
            Field("timeoutVar", "${{ a }}"),
            *_all("runtimeMutexGroup linkTip", "x", "run"),
        ),
    ),
    Group(
        "matrixControlOption",
        "matrixControlOption",
        (*_JOB, "matrixControlOption"),
        {"strategyStr": "a: [1, 2]"},
        (
            Field("strategyStr", "a: [3]"),
            Field("includeCaseStr", "- a: 5"),
            Field("excludeCaseStr", "- a: 1"),
            Field("fastKill", True),
            Field("maxConcurrency", 2),
            Field("customDispatchInfo", {"a": 1}, "pool"),
            *_all("totalCount finishCount", 1, "run"),
        ),
    ),
    Group(
        "dispatchType",
        "dispatchType",
        (*_JOB, "dispatchType"),
        {"buildType": "THIRD_PARTY_AGENT_ENV", "envName": "pool"},
        (
            Field("buildType", "DOCKER"),
            Field("envName", "other"),
            Field("value", "other", "image"),
            Field(
                "displayName",
                "other",
                beside={"buildType": "THIRD_PARTY_AGENT_ID", "envName": None},
            ),
            *_all("envProjectId workspace agentType", "x", "pool"),
            *_all(
                "imageType credentialId credentialProject imageCode imageVersion imageName "
                "performanceConfigId dockerInfo",
                "x",
                "image",
            ),
            Field("reusedInfo", {"a": 1}, "reuse"),
        ),
    ),
    Group(
        "Task, all types",
        "插件（通用字段）",
        _TASK,
        {},
        (
            Field("@type", "windowsScript"),
            Field("id", "e-" + "9" * 32),
            Field("name", "other"),
            Field("stepId", "other"),
            Field("additionalOptions", {"enable": False}),
            Field("customEnv", _PAIR),
            Field("version", "2.*", "plugin"),
            Field("originVersion", "1.*", "origin"),
            Field("templateModify", True, "origin"),
            *_all(
                f"{_RUN_TIMES} elapsed canSkip retryCount retryCountManual retryCountAuto "
                "errorType errorCode errorMsg atomName classifyCode classifyName progressRate "
                "asyncStatus externalLink subPipelineBuildInfo",
                1,
                "run",
            ),
        ),
    ),
    Group(
        "additionalOptions",
        "additionalOptions",
        (*_TASK, "additionalOptions"),
        {},
        (
            Field("enable", False),
            Field("ifModify", ["src/"]),
            Field("continueWhenFailed", True),
            Field("manualSkip", True),
            Field("retryWhenFailed", True),
            Field("retryCount", 3, beside={"retryWhenFailed": True}),
            Field("manualRetry", False),
            Field("timeout", 7),
            Field("timeoutVar", "${{ a }}"),
            *_CONDITIONS,
            Field("pauseBeforeExec", True),
            Field("elementPostInfo", {"parentElementId": "e-" + "2" * 32}),
            Field("customEnv", _PAIR),
            Field("enableCustomEnv", False, beside={"customEnv": _PAIR}),
            Field("subscriptionPauseUser", "ann"),
            Field("otherTask", "x", "never"),
        ),
    ),
    Group(
        "`linuxScript`, `windowsScript`",
        "`linuxScript`、`windowsScript`",
        _TASK,
        {},
        (
            Field("scriptType", "BAT"),
            Field("script", "false"),
            Field("continueNoneZero", True),
            Field("enableArchiveFile", True),
            Field("archiveFile", "a.txt"),
            Field("errorFAQUrl", "x", "faq"),
            Field("charsetType", "GBK", "charset"),
        ),
    ),
    Group(
        "`marketBuild`, `marketBuildLess`",
        "`marketBuild`、`marketBuildLess`",
        _TASK,
        {"@type": "marketBuild", "atomCode": "some", "data": {"input": {}}},
        (
            Field("atomCode", "other"),
            Field("version", "2.*"),
            Field("data", {"input": {"a": "b"}, "output": {}, "namespace": "n"}),
        ),
    ),
    Group(
        "`manualReviewUserTask`",
        "`manualReviewUserTask`",
        _TASK,
        {"@type": "manualReviewUserTask", "reviewUsers": ["ann"]},
        (
            Field("reviewUsers", ["bob"]),
            Field("desc", "why"),
            Field("params", [{"key": "k"}]),
            Field("namespace", "n"),
            Field("suggestRequired", True),
            Field("suggest", "x", "run"),
            Field("actualReviewUsers", ["x"], "run"),
            *_NOTICES,
            Field("notifyTitle", "x", "notice"),
            Field("reminderTime", 1),
            Field("markdownContent", True, "ui"),
        ),
    ),
    Group(
        "`subPipelineCall`",
        "`subPipelineCall`",
        _TASK,
        {"@type": "subPipelineCall", "subPipelineType": "ID", "subPipelineId": "p-" + "1" * 32},
        (
            Field("subPipelineType", "NAME", beside={"subPipelineName": "other"}),
            Field("subPipelineId", "p-" + "2" * 32),
            Field("subPipelineName", "other", beside={"subPipelineType": "NAME"}),
            Field("asynchronous", True),
            Field("parameters", {"a": "b"}),
        ),
    ),
    Group(
        "`CODE_GIT`, `CODE_GITLAB`, `GITHUB`",
        "`CODE_GIT`、`CODE_GITLAB`、`GITHUB`",
        _TASK,
        {"@type": "CODE_GIT", "repositoryName": "shop"},
        (
            Field("repositoryName", "other"),
            Field("repositoryHashId", "h", beside={"repositoryName": None}),
            Field("branchName", "dev"),
            Field("revision", "abc"),
            Field("path", "src"),
            Field("enableSubmodule", False),
            Field("gitPullMode", {"type": "TAG", "value": "v1"}),
            Field("repositoryType", "NAME"),
            Field("strategy", "FRESH_CHECKOUT", "checkout"),
        ),
    ),
    Group(
        "`manualTrigger`",
        "`manualTrigger`",
        _TRIGGER,
        {"@type": "manualTrigger"},
        (
            Field("additionalOptions", {"enable": False}),
            Field("canElementSkip", True),
            Field("useLatestParameters", True),
            Field("buildMsg", "x", "ui"),
        ),
    ),
    Group(
        "`remoteTrigger`",
        "`remoteTrigger`",
        _TRIGGER,
        {"@type": "remoteTrigger"},
        (
            Field("additionalOptions", {"enable": False}),
            *_all("remoteToken canElementSkip", "x", "remote"),
        ),
    ),
    Group(
        "`timerTrigger`",
        "`timerTrigger`",
        _TRIGGER,
        {"@type": "timerTrigger", "advanceExpression": ["0 0 3 * * ?"]},
        (
            Field("additionalOptions", {"enable": False}),
            Field("newExpression", ["0 0 4 * * ?"]),
            Field("advanceExpression", ["0 0 5 * * ?"]),
            Field("noScm", True),
            Field("branches", ["dev"]),
            Field("startParams", '[{"key": "a", "value": "b"}]'),
            Field("timeZone", "Asia/Shanghai"),
        ),
    ),
    Group(
        "`codeGitWebHookTrigger` and its likes",
        "`codeGitWebHookTrigger` 等",
        _TRIGGER,
        {"@type": "codeGitWebHookTrigger", "eventType": "MERGE_REQUEST"},
        (
            Field("additionalOptions", {"enable": False}),
            Field("eventType", "PUSH"),
            Field("scmType", "gitea"),
            Field("repositoryType", "SELF", beside={"repositoryName": "shop/api"}),
            Field("repositoryName", "shop/api"),
            Field("repositoryHashId", "abc", beside={"repositoryType": "ID"}),
            *_all(
                "branchName excludeBranchName includeSourceBranchName excludeSourceBranchName "
                "includeUsers excludeUsers includePaths excludePaths includeMrAction includeLabels "
                "excludeLabels includeCommitMsg excludeCommitMsg",
                "x",
                "gate",
            ),
            Field("pathFilterType", "RegexBasedFilter"),
            Field("includePushAction", ["new-branch"], beside={"eventType": "PUSH"}),
            *(
                Field(name, "x", beside={"eventType": "TAG_PUSH"})
                for name in ("tagName", "excludeTagName", "fromBranches", "includeTagAction")
            ),
            Field("includeIssueAction", ["open"], beside={"eventType": "ISSUES"}),
            Field("includeNoteTypes", ["Issue"], beside={"eventType": "NOTE"}),
            Field("includeNoteComment", ["/test"], beside={"eventType": "NOTE"}),
            Field("includeCrState", ["approved"], beside={"eventType": "REVIEW"}),
            Field("includeCrTypes", ["comparison"], beside={"eventType": "REVIEW"}),
            Field("skipWip", True),
            Field("webhookQueue", True),
            Field("enableCheck", False),
            Field("reviewers", ["ann"]),
            Field("reviewTimeout", 2, beside={"reviewers": ["ann"]}),
            Field("reviewForksOnly", True, beside={"reviewers": ["ann"]}),
            Field("block", True, "gate"),
        ),
    ),
    Group(
        "Start parameter",
        "启动参数",
        (*_TRIGGER_JOB, "params", 0),
        {"id": "env", "type": "STRING", "defaultValue": "test"},
        (
            Field("id", "other"),
            Field("type", "BOOLEAN"),
            Field("defaultValue", "other"),
            Field("constant", True),
            Field("readOnly", True),
            Field("valueNotEmpty", True),
            Field("sensitive", True),
            Field("desc", "a text"),
            Field("options", [{"key": "a", "value": "A"}], beside={"type": "ENUM"}),
            Field("displayCondition", {"a": "b"}),
            *_all(
                "name required category label placeholder propertyType payload cascadeProps fields "
                "repoHashId relativePath scmType containerType glob enableVersionControl "
                "randomStringInPath latestRandomStringInPath properties searchUrl replaceKey "
                "asInstanceInput varGroupName varGroupVersion removeFlag",
                "x",
                "",
            ),
        ),
    ),
)

SETTINGS = Group(
    "Settings (`PipelineSetting`)",
    "设置（`PipelineSetting`）",
    (),
    {},
    (
        Field("pipelineName", "other"),
        Field("desc", "a text"),
        Field("labels", ["l-1"]),
        Field("runLockType", "SINGLE"),
        Field("waitQueueTimeMinute", 7),
        Field("maxQueueSize", 7),
        Field("maxConRunningQueueSize", 7),
        Field("concurrencyGroup", "g"),
        Field("concurrencyCancelInProgress", True),
        Field("failIfVariableInvalid", True),
        Field("buildCancelPolicy", "EXECUTE_PERMISSION"),
        Field("cleanVariablesWhenRetry", True),
        Field("maxPipelineResNum", 7),
        Field("buildNumRule", '${{DATE:"yyyy"}}'),
        Field(
            "pipelineAsCodeSettings",
            {"enable": False, "inheritedDialect": False, "pipelineDialect": "CONSTRAINED"},
        ),
        *_all("successSubscriptionList failSubscriptionList", [_MAIL], ""),
        *_all("successSubscription failSubscription", _MAIL, ""),
        *_all("envHashId envName", "x", "creative"),
        *_all(
            "projectId pipelineId version labelNames creator updater createdTime updateTime",
            "x",
            "pipeline",
        ),
    ),
)
_MODEL: Json = {
    "name": "demo",
    "stages": [
        {
            "containers": [
                {
                    "@type": "trigger",
                    "containerHashId": "c-" + "0" * 32,
                    "params": [{"id": "env", "type": "STRING", "defaultValue": "test"}],
                    "elements": [{"@type": "manualTrigger", "id": "e-" + "0" * 32}],
                }
            ]
        },
        {
            "containers": [
                {
                    "@type": "vmBuild",
                    "jobId": job,
                    "containerHashId": "c-" + digit * 32,
                    "elements": [
                        {
                            "@type": "linuxScript",
                            "id": "e-" + digit * 32,
                            "name": "step",
                            "script": "true",
                        }
                    ],
                }
                for job, digit in (("build", "1"), ("lint", "2"))
            ]
        },
    ],
}


class _Ids:
    """Ids that are the same at each reading."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def hex32(self) -> str:
        """Return the next id."""
        return f"{next(self._numbers):032x}"


def _with(group: Group, members: Json) -> Json:
    """Return the small pipeline with these members in the object of a group."""
    model = copy.deepcopy(_MODEL)
    target: Any = model
    for step in group.place:
        if isinstance(step, int):
            target.extend({} for _ in range(step + 1 - len(target)))
        elif step not in target:
            is_list = step in {"reviewGroups", "reviewParams", "gates"}
            target[step] = [] if is_list else {}
            if step == "checkIn":
                target[step] = copy.deepcopy(_REVIEW)
            if step == "matrixControlOption":
                target["matrixGroupFlag"] = True
        target = target[step]
    target.update(copy.deepcopy(group.base) | copy.deepcopy(members))
    return model


def _meaning(model: Json) -> tuple[object, object]:
    """Return what a model means: all that the server does by it, and what the start form shows."""
    definition = read_definition(model, limits=Limits(), ids=_Ids())
    source = definition.source
    version = PipelineVersion(
        pipeline=PipelineId("p"),
        version=1,
        spec=definition.spec,
        dialect=definition.dialect,
        source=source,
        created_by=UserName("ann"),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    nodes = ("stage-2", "e-" + "1" * 32)
    told = [BkciNotices().asked(version, node) for node in nodes]
    asks = source.get("labels"), source.get("staticViews"), told, BkciWords().rules_in(version)
    return (definition.spec, definition.description, asks), render_start_form(source)


def _setting(body: Json) -> tuple[object, object]:
    """Return what settings mean; `extra` is what is only kept."""
    change = read_setting(body)
    told = [BkciNotices().subscriptions(change.settings, good=good) for good in (True, False)]
    known = replace(change.settings, extra={})
    return (known, change.name, change.description, told), None


def outcome(group: Group, field: Field) -> str:
    """Return what a field does: works, form, kept or refused."""
    try:
        if group is SETTINGS:
            before = _setting(dict(field.beside))
            changed = _setting({**field.beside, field.name: field.value})
        else:
            before = _meaning(_with(group, dict(field.beside)))
            changed = _meaning(_with(group, {**field.beside, field.name: field.value}))
    except InvalidError:
        return "refused"
    if changed[0] != before[0]:
        return "works"
    return "kept" if changed == before else "form"


ENGLISH = {
    "file": "bkci-model.md",
    "title": "# Every field of a BK-CI model",
    "other": "English · [简体中文](bkci-model.zh-CN.md)",
    "head": (
        "What each field of a model and of the settings does here. *Works*: the pipeline means\n"
        "something else by it. *Form*: the start form gives it back as it came, for a page to\n"
        "use; the server does not. *Kept*: it stands in the document, is given back as it came,\n"
        "and does nothing; the reason stands beside it. *Refused*: the model can't be saved."
    ),
    "columns": "| field | here | why |",
    "works": "works",
    "form": "form",
    "kept": "kept",
    "refused": "refused",
}
CHINESE = {
    "file": "bkci-model.zh-CN.md",
    "title": "# 蓝盾模型的全部字段",
    "other": "[English](bkci-model.md) · 简体中文",
    "head": (
        "模型和设置的每个字段在此起什么作用。“可用”：会改变流水线的含义。\n"
        "“表单”：启动表单会原样给出，供页面使用，服务本身不使用。\n"
        "“保留”：存于文档并原样返回，但不起作用，原因写在旁边。\n"
        "“拒绝”：带有它的模型不能保存。"
    ),
    "columns": "| 字段 | 在此 | 原因 |",
    "works": "可用",
    "form": "表单",
    "kept": "保留",
    "refused": "拒绝",
}


def _lines(text: dict[str, str], place: int) -> Iterator[str]:
    yield from (text["title"], "", text["other"], "", text["head"])
    for group in (*GROUPS, SETTINGS):
        yield from ("", f"## {group[place]}", "", text["columns"], "|---|---|---|")
        for field in group.fields:
            found = outcome(group, field)
            why = REASONS[field.why][place] if found in {"kept", "refused"} else ""
            yield f"| `{field.name}` | {text[found]} | {why} |"


def pages() -> dict[Path, str]:
    """Return what the pages must be."""
    return {
        FOLDER / text["file"]: "\n".join(_lines(text, place)) + "\n"
        for text, place in ((ENGLISH, 0), (CHINESE, 1))
    }


if __name__ == "__main__":
    for path, content in pages().items():
        path.write_text(content, encoding="utf-8")
