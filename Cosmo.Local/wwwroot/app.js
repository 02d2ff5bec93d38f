// The chat page: one conversation, named by the URL's hash.

import { Connection, RefusedError } from "./connection.js";
import { routeName } from "./route-name.js";
import { Turn } from "./turn.js";

const suggestions = [
  ["Weather", "What is the weather in Makati?"],
  ["Clients", "How many active clients do we have for each service?"],
  ["Offices", "Which offices in Makati have room for 20 people?"],
  ["Audit logs", "Show me the audit logs of maria.santos@example.com"],
  ["Roles", "Which role does juan.delacruz@example.com have?"],
];

const byId = (id) => document.getElementById(id);
const [scroller, welcome, conversation, form, composer, send] =
  ["scroller", "welcome", "conversation", "form", "composer", "send"].map(byId);

let channel = "";
let connection = null;
let turns = new Map();
let lastSequence = 0;
let token = "";
let pinned = true;
const config = fetch("config.json").then((answer) => answer.json());

async function call(address, options) {
  const answer = await fetch(address, { ...options, signal: AbortSignal.timeout(10_000) });
  if (!answer.ok) {
    throw new Error(`${address} answered ${answer.status}`);
  }

  return answer.json();
}

/** The page's own server asks for the address of a channel: it knows who its user is, and the functions believe it. */
async function negotiate(name) {
  const address = await call("negotiate", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ name }) });
  if (name === channel) {
    token = address.token;
  }

  return address;
}

/** The channel that the hash names. Somebody may have written it there by hand. */
function hashed() {
  const hash = location.hash.slice(1);
  try {
    return decodeURIComponent(hash);
  } catch {
    return hash;
  }
}

/** Begins with the channel that the hash names, or with a new one. */
function enter() {
  const named = hashed();
  if (!named) {
    history.replaceState(null, "", `#${crypto.randomUUID()}`);
    return enter();
  }

  if (named === channel) {
    return;
  }

  connection?.close();
  channel = named;
  turns = new Map();
  lastSequence = 0;
  conversation.replaceChildren();
  welcome.hidden = false;
  byId("channel").textContent = channel;
  for (const [messageId, text] of remembered()) {
    const turn = new Turn(messageId, text);
    add(turn);
    turn.accepted();
  }

  connection = new Connection(() => negotiate(named), {
    state: showConnection,
    message: (data, from) => (from === "server" ? refused(data) : received(data)),
  });
  composer.focus();
}

/** The questions that this tab asked in the channel, so that a reload finds its answers again. */
function remembered() {
  return JSON.parse(sessionStorage.getItem(channel) ?? "[]");
}

function remember(turn, isKept) {
  const others = remembered().filter(([messageId]) => messageId !== turn.messageId);
  sessionStorage.setItem(channel, JSON.stringify((isKept ? [...others, [turn.messageId, turn.text]] : others).slice(-50)));
}

/** Asks for what was sent while there was no connection. */
async function catchUp() {
  const name = channel;
  if (turns.size === 0) {
    return;
  }

  try {
    const { functionsUrl } = await config;
    const { updates } = await call(`${functionsUrl}/channels/${routeName(name)}/updates?after=${lastSequence}`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    if (name === channel) {
      updates.forEach(received);
    }
  } catch {
    // The next connection tries again; what is sent from now on arrives anyway.
  }
}

function showConnection(state, text) {
  const indicator = byId("connection");
  indicator.dataset.state = state;
  indicator.textContent = text;
  if (state === "connected") {
    catchUp();
  }

  for (const turn of turns.values()) {
    if (turn.state === "sending" && !turn.sent) {
      state === "connected" ? deliver(turn) : turn.held();
    }
  }
}

function ask(text) {
  const turn = new Turn(crypto.randomUUID(), text);
  add(turn);
  deliver(turn);
}

function add(turn) {
  welcome.hidden = true;
  turns.set(turn.messageId, turn);
  conversation.append(turn.element);
  pinned = true;
  follow();
}

/** Sends a question. One that may have been lost goes again with the same id, so that it is answered once. */
async function deliver(turn) {
  try {
    await connection.send("message", { message_id: turn.messageId, message: turn.text });
    turn.accepted();
    remember(turn, !turn.over);
  } catch (error) {
    error instanceof RefusedError ? turn.fail("Your message was not accepted.", error.message) : turn.held();
  }

  follow();
}

function received(data) {
  const update = data?.payload;
  if (data?.channel !== channel || typeof update?.message_id !== "string" || typeof update.message !== "string") {
    return;
  }

  let turn = turns.get(update.message_id);
  if (!turn) {
    // Late updates of a conversation that began before this page was opened have no turn here.
    if (update.status !== "started") {
      return;
    }

    turn = new Turn(update.message_id, null);
    add(turn);
  }

  lastSequence = Math.max(lastSequence, update.sequence ?? 0);
  turn.take(update);
  follow();
}

/** An update that came to this connection alone: it says why a question was not taken, maybe without naming it. */
function refused(data) {
  const update = data?.payload;
  const turn = turns.get(update?.message_id) ?? [...turns.values()].findLast((one) => !one.over && one.text !== null);
  if (turn) {
    turn.fail(update?.message ?? "Your message was not accepted.", update?.error_details);
    remember(turn, false);
    follow();
  }
}

function follow() {
  if (pinned) {
    scroller.scrollTop = scroller.scrollHeight;
  }
}

function fit() {
  send.disabled = composer.value.trim() === "";
  composer.style.height = "auto";
  composer.style.height = `${composer.scrollHeight}px`;
}

for (const [field, text] of suggestions) {
  const button = document.createElement("button");
  const title = document.createElement("strong");
  const question = document.createElement("span");
  button.type = "button";
  button.dataset.testid = "suggestion";
  title.textContent = field;
  question.textContent = text;
  button.append(title, question);
  button.addEventListener("click", () => {
    ask(text);
    composer.focus();
  });
  const item = document.createElement("li");
  item.append(button);
  byId("suggestions").append(item);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = composer.value.trim();
  if (text) {
    composer.value = "";
    fit();
    ask(text);
  }
});

composer.addEventListener("input", fit);
composer.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});

scroller.addEventListener("scroll", () => {
  pinned = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
});

byId("new-conversation").addEventListener("click", () => {
  location.hash = crypto.randomUUID();
});
window.addEventListener("hashchange", enter);
window.addEventListener("online", () => connection.hurry());
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && connection.hurry());

fit();
enter();
