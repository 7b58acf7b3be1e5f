import type { Texts } from "..";
import type { en } from "../en/rights";

export const zh: Texts<typeof en> = {
  start: "您无权在此项目中启动执行：需要 runner 角色。",
  "stop-own": "您无权在此项目中停止执行：需要 runner 角色。",
  stop: "您无权停止他人的执行：需要 developer 角色。",
  retry: "您无权在此项目中重试：需要 runner 角色。",
  skip: "您无权在此项目中跳过步骤：需要 developer 角色。",
  edit: "您无权修改此项目的流水线与 Webhook：需要 developer 角色。",
  approve: "您无权在此项目中审核：需要 maintainer 角色。",
  "roll-back": "您无权在此项目中回滚：需要 maintainer 角色。",
  secrets: "您无权修改此项目的凭据与通知渠道：需要 maintainer 角色。",
  manage: "您无权修改此项目的成员、规则与插件：需要 owner 角色。",
  delete: "您无权删除此项目：需要 owner 角色。",
  download: "您无权从此项目下载：需要 viewer 角色。",
  "view-log": "您无权查看此项目的日志：需要 viewer 角色。",
};
