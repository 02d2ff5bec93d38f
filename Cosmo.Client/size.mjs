// What an application that bundles the package carries: minified, and compressed as servers send it.
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const { outputFiles } = await build({ entryPoints: ["dist/index.js"], bundle: true, minify: true, format: "esm", target: "es2022", write: false });
const [{ contents }] = outputFiles;
console.log(`@cosmo/client: ${contents.length} bytes minified, ${gzipSync(contents, { level: 9 }).length} bytes compressed`);
