// The chat page's way to write names: node names.mjs FILE.
import { readFile } from "node:fs/promises";
import { serve } from "./lines.mjs";

const source = await readFile(process.argv[2], "utf8");
const { routeName } = await import(`data:text/javascript,${encodeURIComponent(source)}`);

await serve({ write: ({ name }) => routeName(name) });
