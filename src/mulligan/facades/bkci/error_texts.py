"""The error codes of this API: HTTP status, number, and the text in both languages.

Numbers and texts are those of spec/bkci-build-api.md §1.5; `{0}`, `{1}` are filled with values.
"""

from typing import NamedTuple

from mulligan.facades.bkci.texts import Text


class Problem(NamedTuple):
    """What is answered. `code`: the `status` of the body, a number of seven digits or as HTTP."""

    http: int
    code: int
    zh: str
    en: str

    @property
    def text(self) -> Text:
        """Return the text in all languages."""
        return Text(self.zh, self.en)


TRIGGER_REFUSED = Problem(400, 2101169, "触发审核未通过", "Trigger audit failed")
UNEXPECTED = Problem(
    500,
    500,
    "访问后台数据失败，已通知产品、开发，请稍后重试",
    "The back end failed. Please try again later",
)
BUSY = Problem(
    503, 2100001, "系统内部繁忙，请稍后再试", "The system is busy. Please try again later."
)
BAD_REQUEST = Problem(400, 400, "参数校验失败: {0}", "Parameter verification failed: {0}")
FORBIDDEN = Problem(
    403, 403, "你没有权限进行该操作", "You do not have permission to perform this operation"
)
NOT_FOUND = Problem(404, 404, "{0}[{1}]不存在", "{0} [{1}] does not exist")
UNKNOWN_PROJECT = Problem(
    404,
    404,
    "ProjectId [{0}] not find, please check it.",
    "ProjectId [{0}] not find, please check it.",
)
CONFLICT = Problem(409, 409, "与已有数据冲突: {0}", "Conflicts with what exists: {0}")
TAKEN = Problem(409, 409, "名称已被使用", "The name is already in use")
DRAFT_STALE = Problem(
    409,
    409,
    "草稿或已发布的版本已被更新，请基于最新版本重新保存",
    "The draft or the released version was changed meanwhile. Save again on top of the newest",
)
TEMPLATE_IN_USE = Problem(
    409,
    409,
    "模板或其版本仍在使用，或是唯一的版本，不能删除",
    "The template or its version is in use, or it is the only version, and can't be deleted",
)
INVALID_RUN = Problem(
    400,
    400,
    "参数校验失败: PipelineId is invalid ",
    "Parameter verification failed: PipelineId is invalid ",
)
SECRET_TAKEN = Problem(409, 409, "凭据[{0}]已存在", "Credential [{0}] exists already")
REPOSITORY_TAKEN = Problem(
    409, 409, "代码库别名或ID已存在", "A repository of that alias exists already"
)
CALLBACK_URL = Problem(400, 2101132, "回调的url非法", "The callback url is illegal.")
KEY_REUSED = Problem(
    400, 400, "Idempotency-Key已被用于其他请求", "Idempotency-Key was used for another call"
)

NOT_SERVED = Problem(501, 501, "本服务未实现接口{0}", "This server does not serve the call {0}")
NOT_AS_CODE = Problem(400, 2101373, "[{0}] 不是PAC流水线", "[{0}] is not a PAC pipeline")
RESTARTING = Problem(
    400,
    2101141,
    "流水线: 待restart构建{0}已在restart中",
    "to be built by restart {0} is already in restart",
)

EMPTY_PARAMETER = Problem(400, 2100002, "参数[{0}]不能为空", "Parameter {0} cannot be empty")
ILLEGAL_VALUE = Problem(
    400, 2100004, "参数值[{0}]为非法数据", "Parameter value {0} is illegal data"
)
NO_REVIEW_RIGHT = Problem(
    403, 2101008, "流水线: 用户无审核权限", "Pipelining: users do not have review permissions"
)
MODEL_ILLEGAL = Problem(400, 2101011, "流水线: 流水线Model不合法", "pipelined Model is illegal")
ENDED_EXCEPTION = Problem(
    400, 2101012, "流水线: 流水线出现异常:构建已结束", "pipeline exception: the build has ended"
)
NAME_TAKEN = Problem(409, 2101013, "流水线名称已被使用", "The pipeline name is already in use")
NOT_AUDITOR = Problem(
    400, 2101018, "流水线: 用户({0})不在审核人员名单中", "user ({0}) is not on the auditor list"
)
ALREADY_CANCELLED = Problem(
    400,
    2101019,
    "流水线: 流水线已经被{0}取消构建，请过{1}秒后再试",
    "the pipeline has been cancelled by {0}. Please try again after {1} seconds.",
)
TOO_FREQUENT = Problem(
    400, 2101020, "流水线: 不能太频繁启动构建", "do not start the build too often"
)
NO_MANUAL_START = Problem(
    400, 2101021, "流水线: 该流水线不能手动启动", "the pipeline cannot be started manually"
)
STEPS_NOT_OPTIONAL = Problem(
    400,
    2100015,
    "启动时不能跳过插件: 流水线没有启用的手动触发，或其未允许跳过插件 (canElementSkip)",
    "plug-ins can't be left out of this start: the pipeline has no enabled manual trigger, "
    "or it does not allow it (canElementSkip)",
)
STAGE_WITHOUT_JOB = Problem(400, 2101025, "流水线: Stage缺少Job", "Stage is missing Job")
ONE_TRIGGER_STAGE = Problem(
    400, 2101037, "流水线: 流水线只能有一个触发Stage", "pipelined can only have one trigger Stage"
)
NO_PIPELINE = Problem(404, 2101038, "流水线: 流水线不存在", "pipeline does not exist")
LOCKED = Problem(400, 2101047, "流水线: 流水线锁定", "pipelined locking")
QUEUE_FULL = Problem(400, 2101049, "流水线: 流水线队列满", "pipeline queue is full")
OTHER_PIPELINE = Problem(
    400,
    2101058,
    "流水线: 入参buildId与pipelineId不匹配",
    "input parameter buildId does not match pipelineId",
)
FINALLY_STAGE = Problem(
    400,
    2101064,
    "流水线: 每个Model只能包含一个FinallyStage，并且处于最后位置",
    "each Model can only contain one FinallyStage and is in the last position",
)
JOB_WITHOUT_STEP = Problem(
    400,
    2101067,
    "流水线: Model信息不完整，Stage[{0}] Job[{1}]下没有插件",
    "there is no atom under Stage [{0}] Job [{1}]",
)
NO_GROUP = Problem(
    403,
    2101073,
    "Stage[{0}]的审核组ID[{1}]不存在",
    "Audit group ID [{1}] of Stage [{0}] does not exist",
)
PROJECT_DISABLED = Problem(
    400, 2101080, "项目[{0}]已禁用，不能启动", "Project [{0}] is disabled and cannot be started"
)
NO_TARGET = Problem(
    400,
    2101081,
    "构建数据已过期，请使用rebuild进行重试",
    "The build data is out of date, please use rebuild to try again",
)
RESUMED = Problem(400, 2101107, "暂停的流水线已开始运行", "The paused pipeline has started running")
ELEMENT_TOO_LONG = Problem(500, 2101109, "{0} element大小越界", "{0} element size out of bounds")
JOB_RUNS = Problem(
    400, 2101110, "job非完成态，不能进行重试", "The job is not completed and cannot be retried"
)
STAGE_NOT_FAILED = Problem(
    400,
    2101114,
    "stage非失败状态，不能进行重试",
    "stage is not in a failed state and cannot be retried",
)
RUN_BUSY = Problem(
    400,
    2101129,
    "流水线: 当前构建正在运行中，请勿重复提交重试请求",
    "The current build is running, do not submit retry requests repeatedly",
)
NO_RUN = Problem(404, 2101163, "流水线构建[{0}]不存在", "Pipeline build [{0}] does not exist")
NO_STAGE = Problem(
    404, 2101166, "构建中Stage[{0}]不存在", "Stage [{0}] does not exist in construction"
)
STAGE_NOT_WAITING = Problem(
    400,
    2101167,
    "构建中Stage[{0}]未处于等待把关状态",
    "Stage[{0}] is not in the waiting for approval status.",
)
ENDED = Problem(
    400,
    2101182,
    "流水线: 流水线构建已结束，不能操作",
    "pipeline build has ended and cannot be operated",
)
NO_VERSION = Problem(404, 2101184, "流水线版本({0})不存在", "Pipeline version ({0}) does not exist")
NOT_RELEASED = Problem(
    400,
    2101190,
    "该流水线尚未发布正式版本，无法执行，请先发布流水线后再试",
    "This pipeline has no released version and cannot run. "
    "Please release the pipeline first and try again",
)
NO_SKIP = Problem(400, 2101221, "task不允许被跳过", "task not allowed to be skipped")
PARAMETER_REQUIRED = Problem(
    400, 2101254, "构建入参[{0}]必填，不能为空", "Parameter {0} is required and cannot be empty"
)
EXPIRED = Problem(
    400,
    2101258,
    "构建数据已过期，重试时间不能晚于构建开始时间{0}天以上",
    "The build data has expired. "
    "The retry time cannot be more than {0} days later than the build start time.",
)
STAGE_NOT_RUNNING = Problem(
    400,
    2101273,
    "stage非运行中状态，不能进行插件级重试",
    "The stage is not in running state, task-level retry is not allowed",
)
VALUE_TOO_LONG = Problem(
    400,
    2101274,
    "参数[{0}]值超过系统限制(4K)，启动失败",
    "The parameter [{0}] value exceeds the system limit (4K), and the startup fails.",
)
STEP_NOT_FAILED = Problem(
    400,
    2101277,
    "重试的插件不是失败或取消状态,不能进行重试",
    "Cannot retry plugin: not in failed/cancelled state",
)
NOT_AUDITABLE = Problem(
    400,
    2101279,
    "插件【ID:{0}】不存在或者不是可审核状态",
    "Plugin [ID:{0}] does not exist or is not in an auditable state",
)
REMARK_TOO_LONG = Problem(
    400, 2101281, "构建备注最多只能输入{0}个字符", "Build remark cannot exceed {0} characters"
)
TOO_MANY_RUNS = Problem(
    400,
    2101282,
    "批量获取构建状态buildId数量不能超过{0}",
    "The number of buildId cannot exceed {0}",
)
MAY_NOT_CANCEL = Problem(
    400,
    2101340,
    "用户{0}无权取消构建{1},仅限触发人或拥有流水线管理权限的用户可取消",
    "User {0} is not authorized to cancel build {1}, "
    "only the trigger user or a manager of the pipeline can cancel it",
)
NO_LOG_RIGHT = Problem(
    403,
    2108004,
    "用户({0})无权限在工程({1})下查看流水线",
    "User ({0}) does not have permission to view the pipeline under project ({1})",
)
