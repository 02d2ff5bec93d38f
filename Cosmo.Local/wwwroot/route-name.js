/**
 * How a channel or message id is written in a route of the functions: plain where nobody on the way could change it and no route has the word for itself,
 * else "~" and the base64url of its UTF-8 bytes.
 */
export function routeName(name) {
  if (/^[\w.-][\w.~-]*$/.test(name) && !/^(\.\.?|stats)$/i.test(name)) {
    return name;
  }

  const bytes = String.fromCharCode(...new TextEncoder().encode(name));
  return `~${btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}
