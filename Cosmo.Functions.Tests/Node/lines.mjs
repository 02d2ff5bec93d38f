// A script and the test that runs it speak in JSON lines: commands come in, events and results go out.
import { createInterface } from "node:readline";

export function emit(event, fields = {}) {
  process.stdout.write(JSON.stringify({ event, ...fields }) + "\n");
}

// Runs each command in turn and answers it with its result or its error. The script ends when its input does.
export async function serve(commands) {
  emit("ready");
  for await (const line of createInterface({ input: process.stdin })) {
    const { command, ...args } = JSON.parse(line);
    try {
      emit("result", { command, value: await commands[command](args) });
    } catch (error) {
      emit("result", { command, error: { name: error.name, code: error.code, statusCode: error.statusCode, message: error.message, detail: error.errorDetail } });
    }
  }
  process.exit(0);
}
