import { AbstractAgent, type AgentCapabilities, type AgentConfig, type BaseEvent, type Message, type RunAgentInput } from "@ag-ui/client";
import { Observable } from "rxjs";
import { Channels, type ChannelsOptions } from "../channels.js";
import type { Chat } from "../chat.js";
import { Run } from "./run.js";

export type { ChannelsOptions } from "../channels.js";
export { messagesOf } from "./messages.js";

/** How to reach Cosmo, beside what every agent may be told. `threadId` is the channel. */
export interface CosmoAgentConfig extends AgentConfig, ChannelsOptions {}

/** Cosmo as an agent of AG-UI 1.0, over Web PubSub. Whoever stops listening to a run does not end it; `abortRun` does. */
export class CosmoAgent extends AbstractAgent {
  // Not private by name: `clone` makes its copy without the constructor.
  private channels: Channels;
  private active = new Set<Run>();

  constructor({ api, token, negotiate, text, protocol, platform, ...config }: CosmoAgentConfig) {
    super(config);
    const given = { token, negotiate, text, protocol, platform };
    this.channels = new Channels({ api, ...(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Omit<ChannelsOptions, "api">) });
  }

  /** The conversation of this agent's thread: its turns, the state of its connection, feedback. */
  get chat(): Chat {
    return this.channels.chat(this.threadId);
  }

  /**
   * Asks the last user message, whose message id is the run's. The same run again tells all of its answer so far and what comes. With `resume` it says what a person
   * decided on the calls that interrupted a run, and goes on with that run's message. `forwardedProps` may name a `profile`, and a message that it `replaces`.
   */
  run(input: RunAgentInput): Observable<BaseEvent> {
    return this.observe(input, (run) => (input.resume === undefined || input.resume.length === 0 ? run.ask() : run.resume(input.resume)));
  }

  /** The history as a snapshot, then what is being answered, one run after the other. */
  protected override connect(input: RunAgentInput): Observable<BaseEvent> {
    return this.observe(input, (run) => run.join());
  }

  /** Stops the answers to this agent's runs at the server; each run ends as that says. */
  override abortRun(): void {
    this.active.forEach((run) => run.cancel());
  }

  override async getCapabilities(): Promise<AgentCapabilities> {
    return {
      identity: { name: "Cosmo", type: "cosmo" },
      transport: { streaming: true, websocket: true, resumable: true },
      tools: { supported: true, clientProvided: false },
      state: { persistentState: true },
      humanInTheLoop: { supported: true, approvals: true, interrupts: true, feedback: true },
    };
  }

  /** An agent with the same connections and runs of its own. */
  override clone(): CosmoAgent {
    const cloned = super.clone() as CosmoAgent;
    cloned.channels = this.channels;
    cloned.active = new Set();
    return cloned;
  }

  /** Closes the connections, those of clones too. What is being answered goes on at the server. */
  close(): void {
    this.channels.close();
  }

  private observe(input: RunAgentInput, begin: (run: Run) => Promise<void>): Observable<BaseEvent> {
    return new Observable((subscriber) => {
      const messages = input.messages as Message[];
      const run = new Run(this.channels, { ...input, messages }, (event) => subscriber.next(event), () => subscriber.complete());
      this.active.add(run);
      void begin(run).catch((error: unknown) => run.fail(error));
      return () => {
        this.active.delete(run);
        run.leave();
      };
    });
  }
}
