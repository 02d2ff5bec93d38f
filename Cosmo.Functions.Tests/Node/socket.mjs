// A plain WebSocket client: node socket.mjs URL [SUBPROTOCOL…]
import WebSocket from "ws";
import { emit, serve } from "./lines.mjs";

const [url, ...subprotocols] = process.argv.slice(2);
const socket = new WebSocket(url, subprotocols);
socket.on("open", () => emit("open", { subprotocol: socket.protocol }));
socket.on("message", (data, isBinary) => emit("message", { isBinary, data: data.toString(isBinary ? "base64" : "utf8") }));
socket.on("close", (code, reason) => emit("close", { code, reason: reason.toString() }));
socket.on("unexpected-response", (_, response) => emit("refused", { status: response.statusCode }));
socket.on("error", () => {});

await serve({
  send: ({ data }) => socket.send(data),
  sendMuch: ({ bytes }) => socket.send("x".repeat(bytes)),
  stopReading: () => socket.pause(),
  close: () => socket.close(),
});
