import { area } from "@/i18n";
import { en } from "@/i18n/en/editor";
import { zh } from "@/i18n/zh/editor";
import type { Language } from "@/state/settings";

export const editorTexts = area(en, zh);

/** What CodeMirror says by itself, by the words that it has for it. */
const ZH = {
  "Control character": "控制字符",
  Completions: "补全",
  "Diagnostic list": "问题列表",
  "No diagnostics": "没有问题",
  Find: "查找",
  Replace: "替换",
  next: "下一个",
  previous: "上一个",
  all: "全部",
  "match case": "区分大小写",
  regexp: "正则表达式",
  "by word": "全字匹配",
  replace: "替换",
  "replace all": "全部替换",
  close: "关闭",
  "Fold line": "折叠",
  "Unfold line": "展开",
  "folded code": "已折叠",
  unfold: "展开",
  "Go to line": "转到行",
  go: "转到",
  "$ unchanged lines": "$ 行未改动",
};

export function phrases(language: Language): Record<string, string> {
  return language === "zh" ? ZH : {};
}
