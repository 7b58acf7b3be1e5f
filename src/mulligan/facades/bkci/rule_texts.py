"""Rules that the API's document gives no number of their own, in their own words.

They are answered with the number of bean validation (2100015).
"""

from mulligan.facades.bkci.error_texts import Problem
from mulligan.facades.bkci.texts import Text

_PARAMETER = "参数校验错误"
_INVALID = "parameter verification error"


def _rule(zh: str, en: str) -> Problem:
    return Problem(400, 2100015, f"{{0}}{_PARAMETER}: {zh}", f"{{0}} {_INVALID}: {en}")


# Rules without a number of their own, by the code of the `InvalidError`. {0} is the place.
RULES = {
    "call-circle": _rule("流水线不能循环调用: {1}", "the pipeline would start itself through {1}"),
    "name-blank": _rule("流水线名称不能为空", "the pipeline needs a name"),
    "text-too-long": _rule("{1}最多{2}个字符", "{1} may have at most {2} characters"),
    "model-too-large": _rule("Model最多{1}个字符", "the model may have at most {1} characters"),
    "too-many-stages": _rule("共{1}个Stage，最多允许{2}个", "{1} stages, at most {2} are allowed"),
    "too-many-jobs": _rule(
        "Stage下共{1}个Job，最多允许{2}个", "{1} jobs in a stage, at most {2} are allowed"
    ),
    "too-many-steps": _rule(
        "Job下共{1}个插件，最多允许{2}个", "{1} tasks in a job, at most {2} are allowed"
    ),
    "condition-too-long": _rule(
        "条件表达式最多{1}个字符", "a condition may have at most {1} characters"
    ),
    "condition-not-allowed": _rule(
        "此处不能使用运行条件{1}", "the condition {1} can't be used here"
    ),
    "duplicate-job-id": _rule(
        "同一Stage内jobId[{1}]重复", "jobId [{1}] is used twice in its stage"
    ),
    "dependency-cycle": _rule("Job之间循环依赖: {1}", "jobs depend on each other in a circle: {1}"),
    "mutex-name": _rule("互斥组名称不能为空", "a mutex group needs a name"),
    "matrix": _rule("矩阵不合法: {1}", "the matrix can't be used: {1}"),
    "review-without-people": _rule("审核组没有审核人", "a review group needs reviewers or groups"),
    "gate-rule": _rule(
        "质量红线规则[{1}]不合法，应为“插件.指标 > 数值”",
        "the gate rule [{1}] is not of the form: plugin.metric > number",
    ),
    "timeout-range": _rule(
        "超时时间{1}不在1到{2}分钟之间", "the timeout {1} is not within 1 to {2} minutes"
    ),
    "parameter-name": _rule("参数名[{1}]不合法", "[{1}] can't be the name of a parameter"),
    "constant-blank": _rule("常量[{1}]不能为空", "the constant [{1}] needs a value"),
    "page-size": _rule("每页大小需大于0小于等于100", "the page size must be from 1 to 100"),
    "item-count": _rule("数量需在{1}到{2}之间", "{1} to {2} items are allowed"),
    "out-of-range": _rule("{1}不在{2}到{3}之间", "{1} must be from {2} to {3}"),
    "unsupported": _rule("暂不支持{1}", "{1} are not supported yet"),
    "bad-cron": _rule(
        "定时触发器的定时表达式[{1}]不合法: {2}", "illegal crontab [{1}] of a timer: {2}"
    ),
    "bad-time-zone": _rule("时区[{1}]不存在", "there is no time zone [{1}]"),
    "bad-pattern": _rule("正则表达式[{1}]不合法: {2}", "illegal regular expression [{1}]: {2}"),
    "bad-start-params": _rule(
        "定时触发器的启动参数不是[{{key,value}}]形式的JSON",
        "startParams of a timer must be JSON of the form [{{key,value}}]",
    ),
    "too-many-watched-branches": _rule(
        "定时触发器最多监听{1}个分支", "a timer watches at most {1} branches"
    ),
    "no-counter": _rule("流水线[{1}]没有推荐版本号", "[{1}] has no recommended version"),
    "dynamic-view": _rule(
        "流水线组[{1}]是动态的，不能直接添加或移除流水线",
        "[{1}] is a dynamic view: its pipelines follow from its filters",
    ),
    "project-id": _rule(
        "项目英文名[{1}]不合法",
        "[{1}] is no project id: a lower-case letter, then letters, digits, -; at most 32",
    ),
    "secret-id": _rule(
        "凭据ID[{1}]不合法，应为1到64个字母、数字、下划线或连字符",
        "[{1}] can't be the id of a credential: 1 to 64 letters, digits, _ -",
    ),
    "too-many-secrets": _rule("项目下最多{1}个凭据", "a project may have at most {1} credentials"),
    "secret-in-condition": _rule(
        "条件中不能使用凭据settings", "a condition can't use credentials (settings)"
    ),
    "repository-url": _rule(
        "代码库地址不合法，应为https://…、ssh://…或user@host:path",
        "the URL is none of a repository: https://…, ssh://… or user@host:path",
    ),
    "repository-login": _rule(
        "代码库地址中不能有密码，请使用凭据", "the URL holds a password; give a credential instead"
    ),
    "repository-address": _rule(
        "代码库地址不可用：只支持http、https和ssh，且不能指向本机或内网"
        "（除非设置net.private_targets）",
        "the URL can't be fetched from: only http, https and ssh, and no host on this machine or "
        "in a private network unless net.private_targets is set",
    ),
    "project-name": _rule("项目名称需为1到64个字符", "a project's name has 1 to 64 characters"),
}

# Names of what is not there, by `NotFoundError.kind`; any other kind stays as it is.
THINGS = {
    "label": Text("标签", "Label"),
    "label-group": Text("标签组", "Label group"),
    "view": Text("流水线组", "View"),
    "template": Text("模板", "Template"),
    "template-version": Text("模板版本", "Template version"),
    "node-group": Text("环境", "Environment"),
    "node": Text("节点", "Node"),
    "user": Text("用户", "User"),
    "member": Text("成员", "Member"),
    "step": Text("插件", "Task"),
    "job": Text("Job", "Job"),
    "token": Text("令牌", "Token"),
    "artifact": Text("制品", "Artifact"),
    "repository": Text("代码库", "Repository"),
    "callback": Text("回调", "Callback"),
    "posting": Text("回调记录", "Callback record"),
    "secret": Text("凭据", "Credential"),
    "log": Text("日志", "Log"),
}
