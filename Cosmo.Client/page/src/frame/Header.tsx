import type { ConnectionState } from "@cosmo/client";
import { Connection } from "./Connection.js";
import { Icon } from "./Icon.js";

export function Header({ title, channel, connection, openList, begin }: { title: string; channel: string; connection: ConnectionState; openList: (() => void) | null; begin: () => void }) {
  return (
    <header class="bar">
      {openList !== null && (
        <button type="button" class="icon-button" aria-label="Conversations" title="Conversations" data-testid="open-list" onClick={openList}><Icon name="menu" /></button>
      )}
      <div class="title">
        <h1 dir="auto">{title}</h1>
        <p class="channel"><span class="unseen">Channel </span><code data-testid="channel" title={channel}>{channel}</code></p>
      </div>
      <Connection state={connection} />
      <button type="button" class="button begin" data-testid="new-conversation" aria-label="New conversation" title="New conversation" onClick={begin}>
        <Icon name="new" /> <span>New conversation</span>
      </button>
    </header>
  );
}
