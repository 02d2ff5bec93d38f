import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { transform } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type HostApplication, serve } from "./host-application.js";
import { codeOf, folder, put, root, run, snippets } from "./snippets.js";
import { api, isLive, key, until } from "./stack.js";

/** Where a text is printed piece by piece, a line each, a line may end within what is looked for. */
const degreesInPieces = /°\n?C/;

/** What each snippet prints in the end, where it runs by itself. Those of `useChat` run in a browser, by another test. */
const printed = {
  core: /Weather in Makati\? → .*°C/,
  "signed-in": /°C/,
  "ag-ui": degreesInPieces,
  "ag-ui-approval": /May add_note be carried out\?[^]*Buy milk[^]*So be it\./,
  "http-agent": degreesInPieces,
  "web-pubsub-client": /response .*°C.* true/,
  bare: /response completed .*°C.* true/,
  "old-worker": /[\w-]+ m-1 response completed .*°C/,
  updates: /\d+ m-1 completed .*°C/,
};
const elsewhere = ["install", "back-end", "use-chat", "use-chat-start"];

const running: ChildProcess[] = [];
let host: HostApplication;

/** Runs a snippet as a page would, and waits for what it prints. */
async function runSnippet(name: string, channel: string, expected: RegExp, whenOpen?: () => Promise<unknown>): Promise<void> {
  const { code } = await transform(codeOf(name, { api, channel, question: "Please note in the documentation." }), { loader: "ts", target: "es2022" });
  const file = await put(`${name}.mjs`, code);
  const child = spawn("node", ["--import", "../browser-like.mjs", file], { cwd: folder, env: { ...process.env, PAGE: host.url } });
  running.push(child);
  let output = "";
  let isOver = false;
  child.stdout.on("data", (text) => (output += String(text)));
  child.stderr.on("data", (text) => (output += String(text)));
  child.on("close", () => (isOver = true));
  if (whenOpen !== undefined) {
    await until(() => output.includes("The socket is open.") || isOver);
    await whenOpen();
  }

  await until(() => expected.test(output) || isOver);
  child.kill();
  expect(output).toMatch(expected);
}

async function tell(channel: string): Promise<void> {
  await fetch(`${api}/channels/${channel}/messages`, {
    method: "POST", headers: { "x-functions-key": key, "Content-Type": "application/json" }, body: JSON.stringify({ message_id: "m-1", message: "Weather in Makati?" }),
  });
}

async function answered(channel: string): Promise<void> {
  while (!(await (await fetch(`${api}/channels/${channel}/updates?after=0`)).text()).includes('"completed"')) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describe.skipIf(!isLive)("the documentation", () => {
  beforeAll(async () => {
    await run("npm", ["run", "build"], root);
    const { code } = await transform(codeOf("back-end", { api, channel: "", key }), { loader: "ts" });
    const { addressFor } = (await import(await put("back-end.mjs", code))) as { addressFor: (user: string, channel: string) => Promise<unknown> };
    host = await serve(api, addressFor);
  }, 60_000);
  afterAll(async () => {
    running.forEach((child) => child.kill());
    await host.close();
  });

  test("has no snippet that is not run", () => {
    expect([...snippets.keys()].sort()).toEqual([...Object.keys(printed), ...elsewhere].sort());
  });

  test.each(Object.entries(printed))("%s does what it says", async (name, expected) => {
    const channel = `docs-${crypto.randomUUID()}`;
    if (name === "old-worker") {
      // Its producer asks, not the page.
      await runSnippet(name, channel, expected, () => tell(channel));
    } else if (name === "updates") {
      await tell(channel);
      await answered(channel);
      await runSnippet(name, channel, expected);
    } else {
      await runSnippet(name, channel, expected);
    }
  });

  test("compiles", async () => {
    const files = await Promise.all([...snippets].filter(([, { language }]) => language !== "sh").map(([name, { language }]) =>
      put(`types/${name === "use-chat" ? "Conversation" : name}.${language}`, `${codeOf(name, { api, channel: "any" })}\nexport {};\n`)));
    const options = ["--noEmit", "--strict", "--skipLibCheck", "--jsx", "react-jsx", "--module", "esnext", "--moduleResolution", "bundler", "--target", "es2022", "--types", "node"];
    expect(await run("node", [`${root}node_modules/typescript/bin/tsc`, ...options, ...files], root)).toBe("");
  });

  test("installs the package as it says", async () => {
    const app = await mkdtemp(`${tmpdir()}/your-app-`);
    const [, install] = snippets.get("install")!.code.trim().split("\n");
    expect(install).toBe("cd ../your-app && npm install ../Cosmo.Client");
    await run("npm", ["install", "--offline", root], app);
    const exported = await run("node", ["--input-type=module", "--eval", "console.log(Object.keys(await import('@cosmo/client')).join())"], app);
    expect(exported).toContain("connect");
    await rm(app, { recursive: true });
  });
});
