import { useEffect, useState } from "preact/hooks";
import { announce, complain } from "./announce.js";
import { Icon } from "./Icon.js";

/** Copies a text, and says that it did. */
export function CopyButton({ text, label }: { text: () => string; label: string }) {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    const timer = isCopied ? setTimeout(() => setCopied(false), 2_000) : undefined;
    return () => clearTimeout(timer);
  }, [isCopied]);
  const copy = async (): Promise<void> => {
    const done = await copied(text());
    setCopied(done);
    done ? announce("Copied.") : complain("This browser does not let the page copy.");
  };
  return (
    <button type="button" class="icon-button" aria-label={label} title={label} data-testid="copy" onClick={() => void copy()}>
      <Icon name={isCopied ? "check" : "copy"} />
    </button>
  );
}

async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
