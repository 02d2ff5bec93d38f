import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Where the package is. */
export const root = fileURLToPath(new URL("..", import.meta.url));

/** Snippets are put inside the package, so that they import it, and what it wraps, by name. */
export const folder = `${root}test/.snippets`;

const page = await readFile(`${root}../docs/integrating.md`, "utf8");

/** The documentation's snippets by name. */
export const snippets: ReadonlyMap<string, { readonly language: string; readonly code: string }> = new Map(
  [...page.matchAll(/^```(\w+)(?: name=([\w-]+))?\n(.*?)^```$/gms)].map(([, language, name, code]) => [name ?? `nameless ${language}`, { language: language!, code: code! }]),
);

/** What stands in a snippet for what every application has of its own. */
export interface Place {
  readonly api: string;
  readonly channel: string;
  readonly key?: string;
  readonly question?: string;
}

/** A snippet's code, in its place. */
export function codeOf(name: string, { api, channel, key = "", question = "Please note this." }: Place): string {
  return snippets.get(name)!.code
    .replaceAll("https://YOUR-APP.azurewebsites.net/api", api)
    .replaceAll("user_session_abc123", channel)
    .replaceAll("YOUR-FUNCTION-KEY", key)
    .replaceAll("Please note this.", question);
}

/** Writes a file beside the snippets, and answers where. */
export async function put(name: string, code: string): Promise<string> {
  const file = `${folder}/${name}`;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, code);
  return file;
}

/** Runs a program, and answers what it printed. */
export async function run(file: string, options: readonly string[], cwd: string): Promise<string> {
  try {
    const { stdout, stderr } = await promisify(execFile)(file, options, { cwd });
    return stdout + stderr;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${file} ${options.join(" ")}\n${stdout}${stderr}`);
  }
}
