import type { Texts } from "..";
import type { en } from "../en/projects";

export const zh: Texts<typeof en> = {
  title: "项目",
  filter: "按名称筛选",
  empty: "还没有项目",
  "empty.hint": "项目由服务器管理员创建。您只能看到自己所属的项目。",
  "empty.filter": "没有名称匹配的项目",
};
