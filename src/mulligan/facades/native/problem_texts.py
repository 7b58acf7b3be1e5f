"""Problems in Chinese, for who asks for it; English is what the code says itself."""

import msgspec
from starlette.requests import Request

from mulligan.core.rights import Actor
from mulligan.facades.common.auth import header
from mulligan.facades.native.problems import Problem

TITLES = {
    "bad-request": "请求格式错误",
    "bad-query": "查询参数有误",
    "unauthenticated": "没有有效的凭据",
    "forbidden": "没有权限",
    "not-found": "不存在，或不可见",
    "method": "不支持该方法",
    "too-large": "请求体过大",
    "media-type": "不接受该内容类型",
    "key-reused": "Idempotency-Key 已用于其他请求",
    "precondition": "所依据的内容已改变，请重新读取",
    "state-moved": "状态已改变，请重新读取",
    "unavailable": "服务暂不可用，请稍后重试",
    "internal": "服务器内部错误",
    "document": "文档无法读取",
    "pipeline-file": "流水线文件有错误",
    "plugin": "插件包有错误",
    "bad-shape": "请求体的形状不对",
    "cursor": "游标已损坏，请从头列出",
    "reason-missing": "跳过需要说明原因",
    "expired": "超过可重试的期限，请启动新的运行",
    "pipeline-deleted": "流水线已删除，请先恢复",
    "version-gone": "该流水线版本已不存在，请启动新的运行",
    "pipeline-locked": "流水线已锁定，请先启用",
    "project-disabled": "项目已停用",
    "target-unknown": "该运行中没有这个阶段、Job 或步骤，或其中没有要做的工作",
    "stage-not-failed": "该阶段没有失败，也没有被取消",
    "skip-not-allowed": "该步骤不允许跳过，请重试，或在定义中允许跳过",
    "awaiting-approval": "运行正在等待审核，请先答复",
    "stage-busy": "阶段正在变化，请等待其结束",
    "needs-single-step": "运行仍在进行，此时只能重试单个步骤",
    "stage-not-running": "阶段不在运行中",
    "job-not-finished": "Job 尚未结束",
    "step-not-failed": "该步骤既没有失败，也没有被取消",
    "queue-full": "排队已满",
    "too-frequent": "操作过于频繁，请稍后再试",
    "run-finished": "运行已结束",
    "already-cancelled": "刚刚已有人停止该运行",
    "not-awaiting": "这里没有等待答复",
    "not-a-reviewer": "您不在审核人之中",
    "group-unknown": "现在询问的不是该审核组",
    "already-voted": "您已经答复过，答复不可更改",
    "already-resumed": "该步骤不在等待中",
    "parameter-required": "缺少必填参数",
    "parameter-too-long": "参数过长",
    "parameter-invalid": "参数值不合法",
    "not-startable": "该流水线不能手动启动",
    "no-released-version": "流水线还没有发布的版本",
    "plan-stale": "计划已失效：运行或环境已改变，请重新查看计划",
    "run-busy": "运行中还有工作在进行",
    "not-newest": "这里只能恢复最新一次运行",
    "not-retryable": "该阶段的结果不能重试",
    "older-than-live": "该运行早于线上版本所属的运行：请回滚，而不是重试旧的部署",
    "not-stoppable": "不能停止",
    "not-deploying": "只有部署阶段可以回滚",
    "rollback-unsupported": "该部署策略不支持回滚",
    "no-rollback-target": "没有可以回滚到的版本",
    "environment-busy": "环境中正在进行另一次部署",
    "run-held": "失败的运行正保留待重试，不会自动启动新的运行",
    "run-active": "同一时间只能有一次运行",
    "changes-with-skip": "跳过的步骤不会运行，不能同时修改",
    "changes-too-large": "修改过多或过大，请修改定义",
    "step-kept": "该步骤不会重新运行，不能修改",
    "input-unknown": "该步骤没有这个可修改的输入",
    "input-invalid": "输入的值不合法",
    "input-fixed": "该步骤只能按定义运行，不能为一次运行修改",
    "parameter-unknown": "该运行没有这个参数",
    "parameter-fixed": "该参数不能修改",
    "parameters-later": "运行仍在进行，结束后才能修改参数",
    "steps-not-optional": "给出的步骤中有不允许在启动时关闭的",
}
# Their title says all: the English names nothing besides.
_SAY_ALL = frozenset(
    {"skip-not-allowed", "awaiting-approval", "needs-single-step", "reason-missing"}
)
WAYS_OUT = {
    "approve or refuse the stage": "同意或驳回该阶段",
    "ask an owner": "请联系项目所有者",
    "change a parameter of the run": "修改运行的参数",
    "change the definition": "修改定义",
    "deploy again": "重新部署",
    "deploy another version": "部署另一个版本",
    "deploy by another pipeline": "用另一条流水线部署",
    "enable the pipeline": "启用流水线",
    "look at a new plan": "查看新的计划",
    "name a stage, job or step with work in it": "指定其中有工作的阶段、Job 或步骤",
    "name a parameter of the pipeline": "指定流水线的参数",
    "name a stage, job or step of this run": "指定该运行中的阶段、Job 或步骤",
    "restore the pipeline": "恢复流水线",
    "retry a failed step": "重试失败的步骤",
    "retry a step or job of it": "重试其中的步骤或 Job",
    "retry from that step on": "从该步骤开始重试",
    "retry the failed stage": "重试失败的阶段",
    "retry the newest run": "重试最新一次运行",
    "retry the stage": "重试该阶段",
    "retry the step": "重试该步骤",
    "retry the whole run": "重试整个运行",
    "roll back the stage of a run": "回滚某次运行的阶段",
    "roll the grey stage back before it is promoted": "在转正前回滚灰度阶段",
    "roll the stage of the live release back": "回滚线上版本所在的阶段",
    "start a new run": "启动新的运行",
    "start it by hand": "手动启动",
    "start the pipeline": "启动流水线",
    "start the pipeline anew": "重新启动流水线",
    "start with all steps": "带上全部步骤启动",
    "stop it": "停止它",
    "stop the run": "停止运行",
    "wait for a run to end": "等待一次运行结束",
    "wait for its end": "等待其结束",
    "wait for the end of the job": "等待 Job 结束",
    "wait for the end of the run": "等待运行结束",
}


def wants_chinese(request: Request, actor: Actor | None) -> bool:
    """Tell whether texts are wanted in Chinese: by `Accept-Language`, else by the user's setting.

    Who says nothing gets English: programs look at codes, and logs of theirs stay as they are.
    """
    best, chinese = 0.0, None
    for part in header(request, "accept-language").lower().split(","):
        tag, _, parameters = (text.strip() for text in part.partition(";"))
        weight = _weight(parameters)
        if weight > best and tag.partition("-")[0] in {"zh", "en"}:
            best, chinese = weight, tag.startswith("zh")
    if chinese is not None:
        return chinese
    return actor is not None and actor.language.startswith("zh")


def _weight(parameters: str) -> float:
    """Give the `q` of a language, 1 without one; what can't be read is not wanted."""
    name, equals, value = parameters.partition("=")
    if name.strip() != "q" or not equals:
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def in_chinese(problem: Problem) -> Problem:
    """Give a problem in Chinese, with what English says in particular behind it."""
    title = TITLES.get(problem.code)
    if title is None:
        return problem
    says_all = problem.code in _SAY_ALL and problem.last is None
    return msgspec.structs.replace(
        problem,
        title=title,
        detail=title if says_all else f"{title}（{problem.detail}）",
        instead=ways_out(problem.instead),
    )


def ways_out(instead: tuple[str, ...]) -> tuple[str, ...]:
    """Give what would be possible instead in Chinese."""
    return tuple(WAYS_OUT.get(text, text) for text in instead)
