// The client package's way to write names: node names.mjs FILE.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { serve } from "./lines.mjs";

const source = await readFile(process.argv[2], "utf8");
const { transform } = createRequire(process.argv[2])("esbuild");
const { code } = await transform(source, { loader: "ts", format: "esm" });
const { routeName } = await import(`data:text/javascript,${encodeURIComponent(code)}`);

await serve({ write: ({ name }) => routeName(name) });
