// What a page has and Node 20 has not: a WebSocket, and addresses that are relative to the page. It says when a socket is open.
import { WebSocket } from "ws";

globalThis.WebSocket = class extends WebSocket {
  constructor(...address) {
    super(...address);
    this.once("open", () => console.error("The socket is open."));
  }
};
const { fetch } = globalThis;
globalThis.fetch = (url, options) => fetch(new URL(url, process.env.PAGE), options);
