// A question and what comes back for it: statuses, tools, the answer as it grows, and how it ended.

const silenceLimit = 150_000;

export class Turn {
  sent = false;
  #root = element("article", "turn", "turn");
  #tools = element("ul", "tools");
  #status = element("p", "status", "status");
  #answer = element("div", "answer", "answer");
  #reply = element("div", "reply", "message");
  #lastSequence = -Infinity;
  #timer = 0;

  /** @param {string | null} text the question; null when it was asked elsewhere */
  constructor(messageId, text) {
    this.messageId = messageId;
    this.text = text;
    const question = element("p", text === null ? "question elsewhere" : "question", "message");
    question.textContent = text ?? "Asked from elsewhere";
    question.dataset.role = "user";
    this.#root.dataset.messageId = messageId;
    this.#reply.dataset.role = "assistant";
    this.#status.setAttribute("role", "status");
    this.#reply.append(this.#tools, this.#status, this.#answer);
    this.#root.append(question, this.#reply);
    this.state = "sending";
    this.#say("Sending");
  }

  get element() {
    return this.#root;
  }

  get state() {
    return this.#root.dataset.state;
  }

  set state(value) {
    this.#root.dataset.state = value;
    this.#reply.setAttribute("aria-busy", String(!this.over));
  }

  get over() {
    return this.state === "done" || this.state === "failed";
  }

  /** The service has the question. */
  accepted() {
    this.sent = true;
    if (this.state === "sending") {
      this.state = "waiting";
      this.#say("Waiting for Cosmo");
    }
  }

  /** The question waits for a connection. */
  held() {
    if (this.state === "sending") {
      this.#say("Not connected. Your message goes out as soon as there is a connection.");
    }
  }

  /** Takes an update of the wire contract. Updates that came already, or that come after the end, change nothing. */
  take(update) {
    if (this.over || update.sequence <= this.#lastSequence) {
      return;
    }

    this.#lastSequence = update.sequence ?? this.#lastSequence;
    this.sent = true;
    this.#watch();
    if (update.type === "tool") {
      this.state = "working";
      this.#showTool(update.message, update.tool);
      this.#say(update.tool && update.tool.state !== "running" ? "" : update.message);
    } else if (update.type === "response") {
      this.#endTools("done");
      this.state = update.final_message ? "done" : "answering";
      this.#say("");
      this.#answer.replaceChildren(...formatted(update.message));
    } else if (update.status === "cancelled") {
      this.#answer.replaceChildren(...formatted(update.message));
      this.fail("Stopped.");
    } else if (update.status === "error") {
      this.fail(update.message, update.error_details);
    } else {
      this.#endTools("done");
      this.state = "working";
      this.#say(update.message);
    }

    if (this.over) {
      clearTimeout(this.#timer);
    }
  }

  /** Ends the turn with a sentence for the user. */
  fail(sentence, details) {
    clearTimeout(this.#timer);
    this.#endTools("stopped");
    this.#say("");
    this.state = "failed";
    const problem = element("div", "problem", "error");
    problem.setAttribute("role", "alert");
    problem.append(sentence);
    if (details) {
      const small = document.createElement("small");
      small.textContent = details;
      problem.append(small);
    }

    this.#reply.append(problem);
  }

  #say(text) {
    this.#status.textContent = text;
  }

  /** A call has one chip, from its first update on. */
  #showTool(message, call) {
    let chip = call && [...this.#tools.children].find((one) => one.dataset.call === call.call_id);
    if (!chip) {
      chip = element("li", "tool", "tool");
      chip.textContent = call?.name ?? /^Executing (.+?)\.*$/.exec(message)?.[1] ?? message;
      chip.title = message;
      chip.dataset.call = call?.call_id ?? "";
      this.#tools.append(chip);
    }

    chip.dataset.state = call?.state ?? "running";
  }

  #endTools(state) {
    for (const chip of this.#tools.querySelectorAll('[data-state="running"]')) {
      chip.dataset.state = state;
    }
  }

  /** The server ends every conversation by itself; this is for updates that were lost. */
  #watch() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.fail("Nothing came any more for this message. Please ask again."), silenceLimit);
  }
}

function element(name, className, testId) {
  const made = document.createElement(name);
  made.className = className;
  if (testId) {
    made.dataset.testid = testId;
  }

  return made;
}

/** Text with its **strong** and `code` parts as elements; never parsed as HTML. */
function formatted(text) {
  return text.split(/(\*\*[^*\n]+\*\*|`[^`\n]+`)/).map((part) => {
    const name = part.length > 4 && part.startsWith("**") ? "strong" : part.length > 2 && part.startsWith("`") ? "code" : null;
    if (name === null) {
      return document.createTextNode(part);
    }

    const made = document.createElement(name);
    made.textContent = part.slice(name === "strong" ? 2 : 1, name === "strong" ? -2 : -1);
    return made;
  });
}
