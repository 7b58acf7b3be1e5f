import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import tailwind from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const dist =
  process.env.MULLIGAN_PAGE_OUT ??
  fileURLToPath(new URL("../src/mulligan/web/dist", import.meta.url));
const server = process.env.MULLIGAN_URL ?? "http://127.0.0.1:8710";

/** Leaves `.gz` and `.br` beside each asset: the server never packs one itself. */
function packed(): Plugin {
  return {
    name: "packed",
    apply: "build",
    closeBundle() {
      for (const name of readdirSync(`${dist}/assets`)) {
        if (!/\.(js|css|svg)$/.test(name)) continue;
        const path = `${dist}/assets/${name}`;
        const content = readFileSync(path);
        const quality = { [constants.BROTLI_PARAM_QUALITY]: 9 };
        writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
        writeFileSync(`${path}.br`, brotliCompressSync(content, { params: quality }));
      }
    },
  };
}

export default defineConfig({
  base: "./",
  plugins: [react(), tailwind(), packed()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    outDir: dist,
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    manifest: true,
  },
  server: { proxy: { "/api": server } },
  test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"] },
});
