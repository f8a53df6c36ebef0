import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, gzip } from "node:zlib";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const COMPRESSED = /\.(js|css|html|svg)$/;

/** Leave a `.br` and a `.gz` beside every file of text; the gateway sends what is taken. */
function compressed(folder: string): Plugin {
  return {
    name: "compressed",
    apply: "build",
    async closeBundle() {
      const files = await readdir(folder, { recursive: true });
      for (const file of files.filter((name) => COMPRESSED.test(name))) {
        const path = join(folder, file);
        const content = await readFile(path);
        await writeFile(`${path}.br`, await promisify(brotliCompress)(content));
        await writeFile(`${path}.gz`, await promisify(gzip)(content));
      }
    },
  };
}

// Everything is a file of our own origin: the content security policy allows no inline
// script, style or data: address, so nothing may be inlined.
export default defineConfig({
  plugins: [react(), compressed("dist")],
  resolve: { tsconfigPaths: true },
  // `npm run dev` shows a gateway that runs already.
  server: { proxy: { "/api": process.env.AG2TRUST_GATEWAY_URL ?? "http://127.0.0.1:8080" } },
  build: {
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: true,
    target: "es2023",
  },
  test: { include: ["src/**/*.test.ts"] },
});
