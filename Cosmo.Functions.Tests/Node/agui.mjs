// The stock AG-UI client: node agui.mjs. Its own verification and enforcement run over every stream; what they warn of is reported, what they refuse fails the run.
import { HttpAgent } from "@ag-ui/client";
import { emit, serve } from "./lines.mjs";

const agents = new Map();
let warnings = [];
console.warn = console.error = (...all) => warnings.push(all.map(String).join(" "));

function begin({ name, runId, resume, forwardedProps }) {
  const one = agents.get(name);
  const events = (one.events = []);
  one.run = one.agent
    .runAgent({ runId, ...(resume ? { resume } : {}), forwardedProps }, { onEvent: ({ event }) => { events.push(event); one.look?.(); } })
    .then(() => null, (error) => ({ message: error.message, status: error.status, payload: error.payload }));
}

async function end({ name }) {
  const { agent, run, events } = agents.get(name);
  const error = await run;
  const result = { events, messages: agent.messages, interrupts: agent.pendingInterrupts, error, warnings };
  warnings = [];
  return result;
}

await serve({
  open: ({ name, url, threadId, token, messages }) => {
    agents.set(name, { agent: new HttpAgent({ url, threadId, initialMessages: messages, headers: token ? { Authorization: `Bearer ${token}` } : {} }) });
  },
  say: ({ name, id, text }) => agents.get(name).agent.addMessage({ id, role: "user", content: text }),
  run: (args) => (begin(args), end(args)),
  begin,
  end,
  // Waits until so much text has come.
  heard: ({ name, length }) => new Promise((resolve) => {
    const one = agents.get(name);
    one.look = () => {
      const text = one.events.filter(({ type }) => type === "TEXT_MESSAGE_CONTENT").map(({ delta }) => delta).join("");
      if (text.length >= length) {
        one.look = undefined;
        resolve(text);
      }
    };
    one.look();
  }),
  abort: ({ name }) => agents.get(name).agent.abortRun(),
});
