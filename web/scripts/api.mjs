// Writes src/api/schema.d.ts from the description of the own API; needs no server.
// The first line has a digest of the description: a test of the project compares it.
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";

const root = fileURLToPath(new URL("../..", import.meta.url));
const own = `${root}.venv/bin/python`;
const python = process.env.MULLIGAN_PYTHON ?? (existsSync(own) ? own : "python3");
const [digest, text] = execFileSync(python, ["-m", "mulligan.facades.native.describe"], {
  cwd: root,
  encoding: "utf8",
  maxBuffer: 64 * 1024 * 1024,
}).split("\n", 2);
const types = astToString(await openapiTS(text, { defaultNonNullable: false }));
const head = `// Made by \`npm run api\` from the API's description ${digest}; not written by hand.\n`;
writeFileSync(new URL("../src/api/schema.d.ts", import.meta.url), head + types);
