import type { Texts } from "..";
import type { en } from "../en/runs";

export const zh: Texts<typeof en> = {
  run: "执行",
  "run.title": "执行 {name}",
  "run.start": "开始执行",
  "run.started": "#{n} 已开始执行。",
  "run.no-parameters": "该流水线没有启动参数。",
  "run.not-by-hand": "该流水线不允许手动执行。",
  "run.locked": "该流水线已锁定，不能发起新的执行。",
  "run.message": "备注",
  "run.message.hint": "显示在执行列表中。",
  "run.fixed": "由流水线固定",
  "run.secret-kept": "留空则使用已保存的值",
  "run.required": "此项必填。",
  "run.choose": "请选择…",
  retry: "重试",
  "retry.done": "#{n} 继续执行，第 {attempt} 次。",
  bars: "最近的执行，最新的在最右侧",
  bar: "#{n}，{state}，{duration}",
  "bar.none": "尚未执行",
  recovered: "已恢复",
};
