import type { Texts } from "..";
import type { en } from "../en/sign-in";

export const zh: Texts<typeof en> = {
  title: "登录 {host}",
  tab: "登录",
  user: "用户名",
  password: "密码",
  token: "令牌",
  submit: "登录",
  over: "登录已失效。重新登录后，页面和已输入的内容保持不变。",
  "use-token": "使用令牌登录",
  "use-password": "使用密码登录",
  wrong: "用户名或密码不正确。",
  "wrong-token": "令牌不存在、已吊销或已过期。",
  crowded: "尝试次数过多，请稍后再试。",
  first: "服务器首次启动时，会把令牌写入数据目录下的 {file} 文件。",
};
