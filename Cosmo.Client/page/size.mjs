// What a browser loads, compressed as servers send it.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const files = readdirSync("dist", { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
const sizes = files.map(({ parentPath, name }) => [name, gzipSync(readFileSync(`${parentPath}/${name}`), { level: 9 }).length]);
sizes.forEach(([name, size]) => console.log(`${name}: ${size} bytes compressed`));
console.log(`all: ${sizes.reduce((sum, [, size]) => sum + size, 0)} bytes compressed`);
