import type { Texts } from "..";
import type { en } from "../en/pipelines";

export const zh: Texts<typeof en> = {
  new: "新建流水线",
  title: "流水线",
  "column.name": "名称",
  "column.last": "最近一次执行",
  "column.recent": "最近 20 次执行",
  "column.times": "耗时 p50 / p95",
  "column.actions": "操作",
  filter: "按名称筛选",
  "filter.state": "最近一次执行",
  "filter.state.all": "全部状态",
  "filter.label": "标签",
  "filter.mine": "只看我创建的",
  "filter.clear": "清除筛选",
  "no-runs": "尚未执行",
  empty: "还没有流水线",
  "empty.hint": "点击上方按钮创建第一条，或用流水线文件创建：",
  "empty.filter": "没有符合筛选条件的流水线",
  locked: "已锁定：不能发起新的执行",
  "times.hint": "最近成功的执行中，半数不超过 {p50}，95% 不超过 {p95}。",
};
