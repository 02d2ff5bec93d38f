import type { Suggestion } from "../config.js";

/** Before the first question. */
export function Welcome({ suggestions, ask }: { suggestions: readonly Suggestion[]; ask: (text: string) => void }) {
  const more = suggestions.filter(({ title }) => title === undefined);
  return (
    <section class="welcome" aria-labelledby="greeting">
      <img src="./icon.svg" alt="" width="56" height="56" />
      <h2 id="greeting">What would you like to know?</h2>
      <p>Cosmo knows the weather, KMC's clients and offices, and who did what.</p>
      <ul class="suggestions">
        {suggestions.filter(({ title }) => title !== undefined).map(({ title, question }) => (
          <li key={question}>
            <button type="button" data-testid="suggestion" onClick={() => ask(question)}>
              <strong>{title}</strong>
              <span>{question}</span>
            </button>
          </li>
        ))}
      </ul>
      {more.length > 0 && (
        <ul class="more" aria-label="More to ask">
          {more.map(({ question }) => (
            <li key={question}><button type="button" class="button" data-testid="suggestion" onClick={() => ask(question)}>{question}</button></li>
          ))}
        </ul>
      )}
    </section>
  );
}
