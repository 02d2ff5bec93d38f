import { configDefaults, defineConfig } from "vitest/config";

/** Tests against real functions run where an end-to-end test of theirs says where those are. */
const isLive = process.env["COSMO_API"] !== undefined;

export default defineConfig({
  test: {
    include: [isLive ? "test/live*.test.ts" : "test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, ...(isLive ? [] : ["test/live*.test.ts"])],
    // One of them stops the functions.
    fileParallelism: !isLive,
    testTimeout: isLive ? 180_000 : 30_000,
    sequence: { concurrent: isLive },
  },
});
