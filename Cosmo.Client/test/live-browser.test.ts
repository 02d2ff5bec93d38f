import { build } from "esbuild";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect, type Turn } from "../src/index.js";
import { type HostApplication, serve } from "./host-application.js";
import { codeOf, folder, put } from "./snippets.js";
import { api, isLive, negotiate, platform } from "./stack.js";

/** The documentation's page, as it stands there, and in React's strict mode, which starts every effect twice. */
const kinds = ["plain", "strict"] as const;
const quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

let host: HostApplication;
let browser: Browser;

async function bundle(kind: (typeof kinds)[number]): Promise<string> {
  const place = { api: "/api", channel: "unused" };
  await put("Conversation.tsx", codeOf("use-chat", place));
  const start = codeOf("use-chat-start", place);
  const strict = start.replace("<Conversation", "<StrictMode><Conversation").replace("/>);", "/></StrictMode>);");
  const entry = await put(`${kind}.tsx`, kind === "plain" ? start : `import { StrictMode } from "react";\n${strict}`);
  const { outputFiles } = await build({
    entryPoints: [entry], bundle: true, write: false, format: "esm", target: "es2022", jsx: "automatic", absWorkingDir: folder,
    alias: { "@cosmo/client/ai-sdk": "../../src/ai-sdk/index.ts" },
    define: { "process.env.NODE_ENV": '"development"' },
  });
  return outputFiles[0]!.text;
}

describe.skipIf(!isLive)("useChat in a browser", { concurrent: false }, () => {
  beforeAll(async () => {
    const files = new Map<string, string>();
    for (const kind of kinds) {
      files.set(`/${kind}`, `<!doctype html><link rel="icon" href="data:,"><title>Cosmo</title><body><script type="module" src="/${kind}.js"></script>`);
      files.set(`/${kind}.js`, await bundle(kind));
    }

    host = await serve(api, (_, channel) => negotiate(channel), files);
    browser = await chromium.launch({ executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium", args: quiet });
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await host.close();
  });

  /** A tab, whose errors fail the test. */
  async function open(kind: (typeof kinds)[number], channel: string, errors: string[]): Promise<Page> {
    const page = await browser.newPage();
    page.setDefaultTimeout(60_000);
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    await page.goto(`${host.url}/${kind}#${encodeURIComponent(channel)}`);
    return page;
  }

  async function ask(page: Page, question: string): Promise<void> {
    await page.getByLabel("Your message").fill(question);
    await page.getByRole("button", { name: "Send" }).click();
  }

  const answer = (page: Page): ReturnType<Page["locator"]> => page.locator("[data-role=assistant]").last();

  async function textOf(page: Page, length = 0): Promise<string> {
    const paragraph = answer(page).locator("p").last();
    await paragraph.waitFor();
    await page.waitForFunction(([node, least]) => node!.textContent.length > least, [(await paragraph.elementHandle())!, length] as const, { polling: 50 });
    return (await paragraph.textContent())!;
  }

  /** How an answer ended, as the server says to someone else. */
  async function ended(channel: string): Promise<Turn> {
    const chat = connect({ api, channel, platform });
    const turn = await new Promise<Turn>((resolve) => chat.on("turn", (one) => ["completed", "cancelled", "failed"].includes(one.state) && resolve(one)));
    chat.close();
    return turn;
  }

  test("a question is answered with its tool, asked again, and what was said is there after a reload", async () => {
    const errors: string[] = [];
    const page = await open("plain", `team/${crypto.randomUUID()}`, errors);
    await ask(page, "Weather in Makati?");
    await page.getByText("get_weather: output-available").waitFor();
    await page.getByRole("button", { name: "Again" }).click();
    await page.getByRole("button", { name: "Stop" }).waitFor();
    await page.getByRole("button", { name: "Send" }).waitFor();
    expect(await textOf(page)).toContain("°C");
    await page.reload();
    expect(await textOf(page)).toContain("°C");
    expect([await page.locator("article").count(), errors]).toEqual([2, []]);
    await page.close();
  });

  test("a page that is reloaded in mid-answer goes on with it, and stop ends it at the server", async () => {
    const errors: string[] = [];
    const channel = `team/${crypto.randomUUID()}`;
    const page = await open("strict", channel, errors);
    await ask(page, `long story to stop ${channel}`);
    const before = await textOf(page, 20);

    await page.reload();
    const after = await textOf(page, before.length);
    expect(after.startsWith(before)).toBe(true);
    expect(await page.locator("article").count()).toBe(2);
    await page.getByRole("button", { name: "Stop" }).click();

    const turn = await ended(channel);
    expect([turn.state, turn.answer.startsWith(after)]).toEqual(["cancelled", true]);
    await page.reload();
    await page.getByText("Stopped").waitFor();
    expect([await textOf(page), errors]).toEqual([turn.answer, []]);
    await page.close();
  });

  test("a page that is reloaded in mid-answer, or closed, ends nothing", async () => {
    const errors: string[] = [];
    const channel = `team/${crypto.randomUUID()}`;
    const page = await open("plain", channel, errors);
    await ask(page, `long story ${channel}`);
    await textOf(page, 20);
    await page.reload();
    await textOf(page, 20);
    await page.close();
    expect([(await ended(channel)).state, errors]).toEqual(["completed", []]);
  });

  test("a second tab shows what is asked in the first one, and stops it", async () => {
    const errors: string[] = [];
    const channel = `team/${crypto.randomUUID()}`;
    const [one, other] = [await open("plain", channel, errors), await open("plain", channel, errors)];
    await Promise.all([one, other].map((page) => page.getByRole("button", { name: "Send" }).waitFor()));
    await ask(one, `long story to stop ${channel}`);
    await other.getByText(`long story to stop ${channel}`).waitFor();
    await textOf(other, 20);
    await other.getByRole("button", { name: "Stop" }).click();
    await one.getByText("Stopped").waitFor();
    expect([(await ended(channel)).state, errors]).toEqual(["cancelled", []]);
    await Promise.all([one, other].map((page) => page.close()));
  });

  test("a call waits for a person, who allows it, and refuses the next one after a reload", async () => {
    const errors: string[] = [];
    const page = await open("plain", `team/${crypto.randomUUID()}`, errors);
    await ask(page, "Please note on the page");
    await page.getByText('{"text":"Buy milk"}').waitFor();
    await page.getByRole("button", { name: "Allow" }).click();
    await page.getByText("add_note: output-available").waitFor();
    await page.getByText("So be it.").waitFor();

    await ask(page, "Please note on the page");
    await page.getByRole("button", { name: "Refuse" }).waitFor();
    await page.reload();
    await page.getByRole("button", { name: "Refuse" }).click();
    await page.getByText("add_note: output-denied").waitFor();
    expect(await textOf(page)).toBe("So be it.");
    expect([await page.locator("article").count(), errors]).toEqual([4, []]);
    await page.close();
  });
});
