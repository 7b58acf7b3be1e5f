import type { Texts } from "..";
import type { en } from "../en/pipelines";

export const zh: Texts<typeof en> = {
  title: "流水线",
  "column.name": "名称",
  "column.changed": "修改时间",
  filter: "按名称筛选",
  empty: "还没有流水线",
  "empty.hint": "用流水线文件创建第一条：{command}",
  "empty.filter": "没有名称匹配的流水线",
};
