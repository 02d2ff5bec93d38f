/** Where a link of an answer may lead: a web page, or a letter. */
const schemes = new Set(["http:", "https:", "mailto:"]);

/** The address as it may stand in a link; null for one that may not. Read as a browser reads it, and never relative to this page. */
export function safeAddress(href: string): string | null {
  if (!URL.canParse(href)) {
    return null;
  }

  const url = new URL(href);
  return schemes.has(url.protocol) ? url.href : null;
}
