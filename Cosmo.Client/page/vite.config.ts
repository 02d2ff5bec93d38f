import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  resolve: { alias: { "@cosmo/client": fileURLToPath(new URL("../src/index.ts", import.meta.url)) } },
  build: {
    target: "es2022",
    // Nothing that a strict content security policy forbids: no inlined assets, no polyfill that fetches.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
