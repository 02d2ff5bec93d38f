import { useEffect, useMemo, useState } from "preact/hooks";
import { Composer } from "./composer/Composer.js";
import { actionsOf } from "./conversation/asking.js";
import { ChatContext } from "./conversation/ChatContext.js";
import { Conversation } from "./conversation/Conversation.js";
import { fields } from "./conversation/suggestions.js";
import { useConnectionAnnouncements, useTurnAnnouncements } from "./conversation/useAnnouncements.js";
import { useChat } from "./conversation/useChat.js";
import { useConfig } from "./conversation/useConfig.js";
import { Announcer } from "./frame/Announcer.js";
import { ConnectionNotice } from "./frame/ConnectionNotice.js";
import { Header } from "./frame/Header.js";
import { useMedia } from "./frame/useMedia.js";
import { ConversationList } from "./list/ConversationList.js";
import { ListDrawer } from "./list/ListDrawer.js";
import { useConversations } from "./list/useConversations.js";
import { useName } from "./list/useName.js";

/** The page: the conversations beside the one that the address names. */
export function App() {
  const config = useConfig();
  const { name, begin } = useName();
  const conversations = useConversations();
  const view = useChat(config, name);
  const isWide = useMedia("(min-width: 60rem)");
  const [isListOpen, setListOpen] = useState(false);
  const known = conversations.list.find((one) => one.name === name);
  const title = known?.title ?? "Cosmo";
  const { chat, turns, connection } = view;
  const actions = useMemo(() => (chat === null ? null : actionsOf(chat, name, (text) => conversations.asked(name, text))), [chat]);
  const ask = actions === null ? null : (text: string): void => actions.ask(text);

  useTurnAnnouncements(turns);
  useConnectionAnnouncements(connection);
  useEffect(() => {
    document.title = known === undefined ? "Cosmo" : `${known.title} – Cosmo`;
  }, [known?.title]);
  const first = turns.find(({ question }) => question !== null)?.question;
  useEffect(() => {
    // Asked elsewhere, but looked at here.
    if (first != null && known === undefined) {
      conversations.asked(name, first);
    }
  }, [first]);

  const listActions = {
    rename: conversations.rename,
    remove(removed: string): void {
      conversations.remove(removed);
      if (removed === name) {
        begin();
      }
    },
  };
  const list = (chosen?: () => void) => <ConversationList list={conversations.list} current={name} actions={listActions} {...(chosen === undefined ? {} : { chosen })} />;
  return (
    <ChatContext.Provider value={actions}>
      <a class="skip" href="#composer" onClick={(event) => { event.preventDefault(); document.getElementById("composer")?.focus(); }}>To the question</a>
      {isWide && (
        <nav class="side" aria-label="Conversations">
          <p class="brand"><img src="./icon.svg" alt="" width="28" height="28" /> <strong>Cosmo</strong></p>
          {list()}
        </nav>
      )}
      <div class="page">
        <Header title={title} channel={name} connection={connection} openList={isWide ? null : () => setListOpen(true)} begin={begin} />
        <Conversation key={name} view={view} isKnown={known !== undefined} suggestions={config?.suggestions ?? fields} ask={(text) => ask?.(text)} />
        <footer>
          <ConnectionNotice key={name} chat={chat} state={connection} />
          <Composer key={name} channel={name} turns={turns} ask={ask} />
        </footer>
      </div>
      {!isWide && isListOpen && <ListDrawer close={() => setListOpen(false)}>{list(() => setListOpen(false))}</ListDrawer>}
      <Announcer />
    </ChatContext.Provider>
  );
}
