import { RefusedError, type ToolCall } from "@cosmo/client";
import { useState } from "preact/hooks";
import { useChatActions } from "../conversation/ChatContext.js";
import { useNow } from "../conversation/useNow.js";
import { Icon } from "../frame/Icon.js";
import { clock } from "./words.js";

/** A call that a person decides on. Whether there is still time is the server's to say; the clock here only tells. */
export function Approval({ messageId, call }: { messageId: string; call: ToolCall }) {
  const { chat } = useChatActions();
  const [state, setState] = useState<"open" | "sending" | "sent">("open");
  const [problem, setProblem] = useState("");
  const now = useNow(call.expires_at !== undefined);
  const left = call.expires_at === undefined ? null : Date.parse(call.expires_at) - now;
  const decide = async (approved: boolean): Promise<void> => {
    setState("sending");
    setProblem("");
    try {
      await chat.approve(messageId, call.call_id, approved);
      setState("sent");
    } catch (error) {
      setState("open");
      setProblem(error instanceof RefusedError ? error.message : "Your decision could not be delivered. Please try again.");
    }
  };
  const heading = `approval-${call.call_id}`;
  return (
    <section class="approval" aria-labelledby={heading} data-testid="approval">
      <h3 id={heading}>Cosmo asks for your approval</h3>
      <p>It would like to use <code>{call.name}</code>{hasArguments(call.arguments) ? " with:" : "."}</p>
      <Arguments value={call.arguments} />
      <div class="buttons">
        {left !== null && <p class="left" data-testid="countdown">{left > 0 ? <>{clock(left)} left</> : "The time may be over."}</p>}
        <button type="button" class="button" disabled={state !== "open"} data-testid="deny" onClick={() => void decide(false)}><Icon name="close" /> Deny</button>
        <button type="button" class="button primary" disabled={state !== "open"} data-testid="allow" onClick={() => void decide(true)}><Icon name="allow" /> Allow</button>
      </div>
      {problem !== "" && <p class="problem-line" role="alert">{problem}</p>}
    </section>
  );
}

function Arguments({ value }: { value: unknown }) {
  return !hasArguments(value) ? null : (
    <dl class="arguments">
      {Object.entries(value).map(([name, argument]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd dir="auto">{typeof argument === "string" ? argument : JSON.stringify(argument, null, 2)}</dd>
        </div>
      ))}
    </dl>
  );
}

function hasArguments(value: unknown): value is object {
  return typeof value === "object" && value !== null && Object.keys(value).length > 0;
}
