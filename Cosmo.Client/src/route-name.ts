const plain = /^[\w.-][\w.~-]*$/;
const reserved = /^(\.\.?|stats)$/i;

/**
 * A channel or message id as it stands in a route: plain where nobody on the way could change it and no route has the word for itself, else `~` and the base64url
 * of its UTF-8 bytes.
 */
export function routeName(name: string): string {
  if (plain.test(name) && !reserved.test(name)) {
    return name;
  }

  // One by one: spread over a call's arguments, a long name would be too many.
  let bytes = "";
  for (const byte of new TextEncoder().encode(name)) {
    bytes += String.fromCharCode(byte);
  }

  return `~${btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}
