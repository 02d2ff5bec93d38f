// What an application that bundles an entry point carries: minified, and compressed as servers send it; without the packages that it wraps.
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

for (const [name, entry] of [["@cosmo/client", "index"], ["@cosmo/client/ag-ui", "ag-ui/index"], ["@cosmo/client/ai-sdk", "ai-sdk/index"]]) {
  const { outputFiles } = await build({ entryPoints: [`dist/${entry}.js`], bundle: true, minify: true, format: "esm", target: "es2022", write: false, external: ["@ag-ui/client", "ai", "rxjs"] });
  const [{ contents }] = outputFiles;
  console.log(`${name}: ${contents.length} bytes minified, ${gzipSync(contents, { level: 9 }).length} bytes compressed`);
}
