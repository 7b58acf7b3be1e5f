export const en = {
  title: "Sign in to {host}",
  tab: "Sign in",
  user: "User",
  password: "Password",
  token: "Token",
  submit: "Sign in",
  "use-token": "Sign in with a token",
  "use-password": "Sign in with a password",
  wrong: "That user and password don't fit together.",
  "wrong-token": "That token is unknown, revoked or over.",
  crowded: "Too many attempts. Try again in a moment.",
  first: "On the first start the server writes a token into the file {file} of its data directory.",
} as const;
