/** Lines that mean something else once more of them is there: a rule, a heading's underline, a list, a fence. */
const onlyMarks = /(^|\n)[ \t]*(?:[-=*_~`#+|]+|[-*+]\s+\[[ x]?\]?)[ \t]*$/;

const delimiterRow = /^[ \t]*\|?[ \t:|-]*$/;

/** The last block of a text that still grows, with what is open at its end closed or left out: no marks flash by, and nothing changes its kind. */
export function completeTail(block: string): string {
  const text = block.replace(onlyMarks, "$1");
  return completeTable(text) ?? completeInline(text);
}

/** A table's head, as soon as it begins; null for what is no beginning of a table. */
function completeTable(text: string): string | null {
  const lines = text.trimEnd().split("\n");
  const [head, second] = lines.slice(lines.length > 1 && delimiterRow.test(lines.at(-1)!) ? -2 : -1);
  if (head === undefined || !/^[ \t]*\|.*\S/.test(head) || (second !== undefined && !delimiterRow.test(second)) || lines.length > (second === undefined ? 1 : 2)) {
    return null;
  }

  const row = head.trimEnd().endsWith("|") ? head.trimEnd() : `${completeInline(head)} |`;
  const columns = row.trim().slice(1, -1).split(/(?<!\\)\|/).length;
  return `${row}\n|${" --- |".repeat(columns)}`;
}

/** Emphasis, code and links that are not closed yet. */
function completeInline(text: string): string {
  const start = text.lastIndexOf("\n\n") + 1;
  const code = openCode(text.slice(start));
  if (code !== null) {
    const body = text.slice(start).trimEnd();
    return text.slice(0, start) + (body.endsWith(code) ? body.slice(0, -code.length) : body + code);
  }

  const shown = text.slice(start)
    // An address that may go on is no link yet.
    .replace(/\b(https?):(?=\/\/[^\s()<>]*$)/i, "$1&#58;")
    .replace(/\bwww\.(?=[^\s()<>]*$)/i, "www&#46;")
    .replace(/!?\[([^\[\]]*)(?:\](?:\([^()\n]*|\[[^\]\n]*)?)?$/, "$1");
  return text.slice(0, start) + closeEmphasis(shown);
}

/** The backticks with which code was opened that is not closed. */
function openCode(text: string): string | null {
  let open: string | null = null;
  for (const [run] of text.replace(/\\`/g, "  ").matchAll(/`+/g)) {
    open = open === null ? run : open === run ? null : open;
  }

  return open;
}

function closeEmphasis(text: string): string {
  const open: string[] = [];
  const plain = text.replace(/\\./g, "  ").replace(/`+[^`]*`+/g, (code) => " ".repeat(code.length));
  for (const { 0: mark, index } of plain.matchAll(/\*{1,3}|_{1,2}|~{1,2}/g)) {
    const before = plain[index - 1] ?? " ";
    const after = plain[index + mark.length] ?? " ";
    if (open.at(-1) === mark && /\S/.test(before)) {
      open.pop();
    } else if (index + mark.length === plain.length && open.at(-1)?.startsWith(mark) === true) {
      // Half of what closes it.
      text = text.slice(0, index);
    } else if ((mark !== "~" || index + 1 === plain.length) && /[\s\p{P}]/u.test(before) && (/\S/.test(after) || index + mark.length === plain.length)) {
      open.push(mark);
    }
  }

  let body = text.trimEnd();
  for (const mark of open.reverse()) {
    body = body.endsWith(mark) ? body.slice(0, -mark.length).trimEnd() : body + mark;
  }

  return open.length === 0 ? text : body;
}
