import { Chat } from "@ai-sdk/react";
import { lastAssistantMessageIsCompleteWithApprovalResponses, safeValidateUIMessages } from "ai";
import { afterAll, describe, expect, test } from "vitest";
import { type ChannelsOptions, CosmoChatTransport, type CosmoUIMessage } from "../src/ai-sdk/index.js";
import { api, isLive, negotiate, newChannel, platform, until } from "./stack.js";

const transports: CosmoChatTransport[] = [];
afterAll(() => transports.splice(0).forEach((transport) => transport.close()));

interface Page {
  readonly chat: Chat<CosmoUIMessage>;
  readonly transport: CosmoChatTransport;
}

/** A page that is opened, with what was said before. */
async function open(id: string, options: Partial<ChannelsOptions> = {}): Promise<Page> {
  const transport = new CosmoChatTransport({ api, platform, ...options });
  transports.push(transport);
  const messages = await transport.history(id);
  return { transport, chat: new Chat({ id, transport, messages, sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses }) };
}

const textOf = ({ chat }: Page): string => (chat.lastMessage?.role === "assistant" ? chat.lastMessage.parts.map((part) => (part.type === "text" ? part.text : "")).join("") : "");
const toolsOf = ({ chat }: Page): string[] => (chat.lastMessage?.parts ?? []).flatMap((part) => (part.type === "dynamic-tool" ? [part.state] : []));

describe.skipIf(!isLive).each(["whole", "delta"] as const)("the AI SDK with real functions, text as %s", (text) => {
  test("a question is answered, with its tool and usage, and asked again", async () => {
    const page = await open(newChannel(), { text });
    const { chat } = page;
    await chat.sendMessage({ text: "Weather in Makati?" });
    expect([chat.status, toolsOf(page), textOf(page).includes("°C")]).toEqual(["ready", ["output-available"], true]);
    expect(chat.lastMessage!.metadata!.usage!.output_tokens).toBeGreaterThan(0);
    const id = chat.lastMessage!.id;
    await chat.regenerate();
    expect([chat.status, chat.messages.length, chat.lastMessage!.id === id, textOf(page).includes("°C")]).toEqual(["ready", 2, false, true]);
    const history = await page.transport.history(chat.id);
    expect([history.length, history.at(-1)!.id, (await safeValidateUIMessages({ messages: history })).success]).toEqual([2, chat.lastMessage!.id, true]);
  });

  test("a page that is reloaded in mid-answer goes on with it, and stop stops it at the server", async () => {
    const channel = newChannel();
    const before = await open(channel, { text });
    void before.chat.sendMessage({ text: `long story to stop ${channel}` });
    await until(() => textOf(before).length > 20);
    before.transport.close();

    const after = await open(channel, { text });
    const resumed = after.chat.resumeStream();
    await until(() => textOf(after).length > 20);
    expect(after.chat.messages.map(({ role }) => role)).toEqual(["user", "assistant"]);
    await after.chat.stop();
    await resumed;
    const turn = await until(() => after.transport.chat(channel).messages.find(({ state }) => state === "cancelled"));
    expect(turn.answer.length).toBeGreaterThan(20);
    await after.chat.resumeStream();
    expect(after.chat.status).toBe("ready");
  });

  test("a reload goes on to the very end, with all of the text", async () => {
    const channel = newChannel();
    const [one, other] = [await open(channel, { text }), await open(channel, { text })];
    const asked = one.chat.sendMessage({ text: `long story ${channel}` });
    await until(() => textOf(one).length > 20);
    await Promise.all([asked, other.chat.resumeStream()]);
    expect(textOf(other)).toBe(textOf(one));
    expect(textOf(other).length).toBeGreaterThan(100);
  });
});

describe.skipIf(!isLive)("the AI SDK with real functions and their back end", () => {
  test("a call waits for a user, who says yes, then no after a reload", async () => {
    const channel = newChannel();
    const ask = async (page: Page): Promise<string> => {
      await page.chat.sendMessage({ text: "Please note for useChat" });
      const part = page.chat.lastMessage!.parts.find((one) => one.type === "dynamic-tool")!;
      expect(part).toMatchObject({ state: "approval-requested", input: { text: "Buy milk" } });
      return part.approval!.id;
    };
    const page = await open(channel, { negotiate });
    await page.chat.addToolApprovalResponse({ id: await ask(page), approved: true });
    await until(() => page.chat.status === "ready" && textOf(page) === "So be it.");
    expect(toolsOf(page)).toEqual(["output-available"]);

    const id = await ask(page);
    const reloaded = await open(channel, { negotiate });
    await reloaded.chat.resumeStream();
    await reloaded.chat.addToolApprovalResponse({ id, approved: false, reason: "Not now." });
    await until(() => reloaded.chat.status === "ready" && textOf(reloaded) === "So be it.");
    expect([toolsOf(reloaded), reloaded.chat.messages.map(({ role }) => role)]).toEqual([["output-denied"], ["user", "assistant", "user", "assistant"]]);
  });

  test("a question that is not taken is an error, and one after it is answered", async () => {
    const page = await open(newChannel());
    await page.chat.sendMessage({ text: "x".repeat(32_001) });
    expect(page.chat.error).toMatchObject({ code: "refused" });
    await page.chat.sendMessage({ text: "Weather in Makati?" });
    expect([page.chat.status, textOf(page).includes("°C")]).toEqual(["ready", true]);
  });
});
