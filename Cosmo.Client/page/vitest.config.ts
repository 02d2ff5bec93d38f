import { defineConfig, mergeConfig } from "vitest/config";
import page from "./vite.config.js";

export default mergeConfig(page, defineConfig({ test: { include: ["test/**/*.test.{ts,tsx}"], environment: "jsdom", testTimeout: 30_000 } }));
