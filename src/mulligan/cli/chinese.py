"""What commands say in Chinese: their lines in the help, and their remarks.

Every command and every remark has its text here; tests compare.
"""

import copy

import click

from mulligan.cli.chinese_options import OPTIONS

_EXAMPLE = "Example:"

SECTIONS = {
    "Run and repair": "运行与修复",
    "Look": "查看",
    "Releases": "发布",
    "Definitions": "定义",
    "Secrets and messages": "密钥与消息",
    "People": "人员",
    "This command line": "本命令行",
    "Server": "服务器",
}

# Commands by their words; groups too.
COMMANDS = {
    "run": "就地运行一个文件，或启动、列出运行",
    "run file": "保存流水线文件，运行并跟随",
    "run start": "启动流水线的最新版本（id 或名字）",
    "run list": "列出运行，最新的在前",
    "run view": "显示运行及其阶段、Job、步骤",
    "run watch": "跟随运行直到结束；退出码表示结果",
    "run cancel": "停止运行",
    "retry": "就地重跑一部分，其余保留；在终端上先显示计划",
    "skip": "跳过失败的步骤，原因会留在记录里",
    "plan": "显示重试或跳过会做什么、为什么；不改变任何东西",
    "resume": "让停在暂停步骤的运行继续",
    "rollback": "回滚：恢复之前线上的版本",
    "rebuild": "用相同的启动参数、相同的用户再启动一次，事件触发的按事件重来；进行中的会先停止",
    "stop": "停止运行；一分钟后再次执行则强制结束",
    "approve": "同意运行所等待的审核或暂停",
    "reject": "拒绝运行所等待的审核或暂停",
    "runs": "列出运行，最新的在前",
    "show": "显示运行及其阶段、Job、步骤",
    "logs": "打印一个步骤的日志，或按顺序打印所有步骤的日志；运行中也可以",
    "watch": "跟随运行直到结束；退出码表示结果",
    "attempts": "列出运行或其中一个步骤的各次尝试",
    "diff": "比较一次运行的两次尝试，或两次运行：哪些步骤结果不同",
    "approvals": "列出等待人处理的审核和暂停",
    "env": "显示环境及其线上版本",
    "env list": "列出环境",
    "env show": "显示环境及其最近的部署",
    "deployments": "列出某环境的部署，最新的在前",
    "package": "软件中心的文件",
    "package list": "列出软件包",
    "package versions": "列出软件包的版本",
    "package files": "列出某版本的文件",
    "package upload": "上传文件；缺少的软件包和版本会创建",
    "package download": "下载文件，并按摘要校验",
    "init": "为所在的仓库写第一个流水线文件",
    "pipeline": "查看与保存流水线",
    "pipeline list": "列出流水线",
    "pipeline view": "显示流水线（id 或名字）",
    "pipeline apply": "保存流水线文件：同名流水线的新版本，或新流水线",
    "pipeline graph": "画出流水线的阶段、Job、步骤",
    "pipeline diff": "以流水线文件的形式显示两个版本之间的差异；不写版本则比较最后两个",
    "pipeline history": "列出流水线的版本，最新的在前",
    "pipeline enable": "让流水线可以再次启动",
    "pipeline disable": "在重新启用之前不让流水线启动；进行中的运行继续",
    "pipeline export": "打印流水线或运行的定义；`-o yaml` 为 v3.0 流水线文件",
    "pipelines": "列出流水线",
    "import": "检查并保存流水线文件；`--check` 只检查，不需要服务器",
    "lint": "检查流水线文件，不需要服务器：列出所有错误及其位置",
    "trigger": "什么会自动启动流水线",
    "trigger list": "列出流水线的触发器；定时器还有下次触发时间",
    "trigger token": "为远程触发生成新令牌，旧的失效",
    "hook": "代码托管平台的 hook 及其投递",
    "hook add": "为一条流水线或整个项目创建 hook；打印要告诉托管平台的内容",
    "hook list": "列出 hook",
    "hook remove": "删除 hook 及其投递",
    "hook deliveries": "列出收到的投递，最新的在前",
    "hook delivery": "显示一次投递，以及每条流水线为何启动或没有启动",
    "hook replay": "让一次投递再生效一次，可能启动新的运行",
    "export": "打印流水线或运行的定义；`-o yaml` 为 v3.0 流水线文件",
    "secret": "设置、列出、移除密钥",
    "secret set": "把密钥设为标准输入的内容",
    "secret list": "列出密钥，不含值",
    "secret remove": "移除密钥",
    "channel": "通知发往哪里",
    "channel set": "设置渠道",
    "channel list": "列出渠道",
    "channel test": "立即通过渠道发送一条消息",
    "channel remove": "移除渠道",
    "project": "创建、列出项目",
    "project create": "创建项目",
    "project list": "列出项目",
    "user": "创建用户、授予角色",
    "user create": "创建用户；没有密码时只能用令牌",
    "user list": "列出用户",
    "user grant": "授予用户在项目中的角色",
    "token": "创建、列出、吊销令牌",
    "token create": "创建令牌并打印，只打印一次；权限不会超过创建者",
    "token list": "列出令牌，不含密文",
    "token revoke": "吊销令牌",
    "login": "保存服务器及其令牌，并从此使用它",
    "logout": "忘记某个服务器的令牌；服务器上仍有效，直到被吊销",
    "whoami": "显示自己是谁、在哪个服务器上",
    "context": "保存的服务器：list、use、add、rm",
    "context list": "列出保存的服务器",
    "context use": "使用某个服务器",
    "context add": "保存服务器，不带令牌；第一个立即使用",
    "context rm": "忘记某个服务器",
    "open": "显示运行、流水线或项目页面的地址，并在浏览器中打开",
    "artifact": "运行留下的文件",
    "artifact list": "列出运行留下的文件",
    "artifact download": "下载运行留下的文件，并按摘要校验",
    "api": "用自己的凭证发送任意请求并打印应答",
    "mcp": "供启动程序的助手使用：把标准输入中的 MCP 消息转给服务器的 /mcp，应答写到标准输出",
    "completion": "打印 shell 的补全脚本：也补全运行、流水线、步骤的名字",
    "help": "显示命令或主题的帮助：environment、exit-codes、formatting",
    "version": "本程序、Python 和系统的版本",
    "serve": "运行服务器：API、引擎、执行器在一个进程里",
    "demo": "在内置的服务器上弄坏一条流水线再就地修复",
    "plugin": "安装、列出插件",
    "plugin install": "安装插件：发布包、顶层有 task.json 的文件夹或 git 仓库",
    "plugin list": "列出已安装的插件",
    "plugin remove": "移除插件的一个版本",
    "plugin enabled": "列出项目可以使用的插件，以及其他插件为何不能用",
    "plugin enable": "在项目中启用插件，只限对该项目发布的插件",
    "plugin disable": "在项目中停用插件，它的步骤会失败",
    "plugin restrict": "只对某些项目发布插件；不写 --only 则对所有项目",
    "plugin setting": "插件的私有设置，只有它自己的步骤能读",
    "plugin setting set": "设置私有设置，值来自标准输入",
    "plugin setting list": "列出私有设置的名字",
    "plugin setting remove": "移除私有设置",
    "admin": "维护数据目录（服务器须已停止）",
    "admin check": "检查存储的每条不变式；每个问题一行",
    "admin seed": "写入已结束的运行，用于容量测试",
    "admin stop-services": "结束 keeper 以及它运行的所有已部署进程；服务器会再次启动它们",
}

# Remarks by their English text; what stands in braces is put in later.
REMARKS = {
    "stage {name}": "阶段 {name}",
    "waiting for {what}: stage {stage}": "等待{what}：阶段 {stage}",
    "waiting to be resumed: {command}": "等待继续：{command}",
    "waiting for approval: {command}": "等待审核：{command}",
    "waiting for approval by {who}: {command}": "等待 {who} 审核：{command}",
    "a webhook or channel ({came} of {needed} came)": "webhook 或渠道（已到 {came}/{needed}）",
    "{verdict}: run {run}, attempt {attempt} in {time}": (
        "{verdict}：运行 {run}，第 {attempt} 次尝试，用时 {time}"
    ),
    "#{number} of {pipeline}": "{pipeline} #{number}",
    "failed: {step} ({why}) in {where}": "失败：{where} 的 {step}（{why}）",
    "and {count} more failed steps": "另有 {count} 个步骤失败",
    "retry all: {command}": "全部重试：{command}",
    "retry it: {command}": "重试：{command}",
    "roll back again: {command}": "再次回滚：{command}",
    "or restore what was live: {command}": "或恢复之前线上的版本：{command}",
    "re-run {rerun}, kept {keep} steps": "重跑 {rerun} 个步骤，保留 {keep} 个",
    "re-run {rerun}, kept {keep}, skipped {skip} steps": (
        "重跑 {rerun} 个步骤，保留 {keep} 个，跳过 {skip} 个"
    ),
    "; saved {time}": "；节省 {time}",
    "run {run}, version {version}": "运行 {run}，版本 {version}",
    "not at its end after {time}": "{time} 后尚未结束",
    "waits for a person after {time}; it goes on": "{time} 后在等人处理；运行继续",
    "still running after {time}; it goes on": "{time} 后仍在运行；运行继续",
    "interrupted; the run goes on. Stop it with: {command}": "已中断；运行继续。停止它：{command}",
    "interrupted; the run is being stopped": "已中断；正在停止运行",
    "{status}: run #{number}. Run it again with: {command}": (
        "{status}：运行 #{number}。再次运行：{command}"
    ),
    "attempt {attempt} of run {run}: {what}": "运行 {run} 的第 {attempt} 次尝试：{what}",
    "Go ahead?": "继续吗？",
    "it will stop at {node} until people have answered": "将在 {node} 处停下，等待人工处理",
    "changed: {what}": "修改：{what}",
    "changed: {what}: {before} → {after}": "修改：{what}：{before} → {after}",
    "It will be attempt {attempt}: {what}": "将是第 {attempt} 次尝试：{what}",
    "nothing was changed. It would be attempt {attempt}: {what}": (
        "没有改变任何东西。这将是第 {attempt} 次尝试：{what}"
    ),
    "no stage of the run failed": "该运行没有失败的阶段",
    "approved: {node}": "已同意：{node}",
    "rejected: {node}": "已拒绝：{node}",
    "nothing waits for a person": "没有等待人处理的事项",
    "the run": "整次运行",
    "restore deployment {deployment}": "恢复部署 {deployment}",
    "fails since run #{number} by {who}": "从 {who} 的运行 #{number} 起失败",
    "fails since run #{number} by {who}; last succeeded in run #{green}": (
        "从 {who} 的运行 #{number} 起失败；最后一次成功是运行 #{green}"
    ),
    "stopping run {run}": "正在停止运行 {run}",
    "project {project} has no such runs": "项目 {project} 中没有这样的运行",
    "project {project} has no such pipelines": "项目 {project} 中没有这样的流水线",
    "run {run} of which pipeline? Say --pipeline ID|NAME, or give the id b-…": (
        "运行 {run} 属于哪条流水线？请写 --pipeline ID|NAME，或给出 id b-…"
    ),
    "which run? Give its id (b-…) or {words}": "哪个运行？请给出 id（b-…）或 {words}",
    "Which": "哪一个",
    "no valid token": "没有有效的令牌",
    " (give a token: --token, MULLIGAN_TOKEN or `mulligan login`)": (
        "（用 --token、MULLIGAN_TOKEN 或 `mulligan login` 给出令牌）"
    ),
    " (possible instead: {what})": "（可以改为：{what}）",
    "no server answers at {url}: {reason}": "{url} 没有服务器应答：{reason}",
    "still running at the end of --timeout": "--timeout 到时仍在运行",
    "nothing was changed": "没有改变任何东西",
    "Example:": "示例：",
}


def with_chinese_help(param: click.Parameter) -> click.Parameter:
    """Return an option that says in Chinese what it is for; an argument as it is."""
    if not isinstance(param, click.Option) or param.help is None:
        return param
    made = copy.copy(param)
    made.help = OPTIONS[param.help]
    return made


def translated(words: str, command: click.Command) -> click.Command:
    """Return a command whose help, and that of those below it, is Chinese; examples stay."""
    before, _, examples = (command.help or "").partition(_EXAMPLE)
    mark = before[before.rfind("\b") :] if examples else ""
    title = REMARKS[_EXAMPLE] if examples else ""
    made = copy.copy(command)
    made.params = [with_chinese_help(param) for param in command.params]
    made.help = f"{COMMANDS[words]}\n\n{mark}{title}{examples}"
    if isinstance(made, click.Group):
        made.commands = {
            name: translated(f"{words} {name}", below) for name, below in made.commands.items()
        }
    return made
