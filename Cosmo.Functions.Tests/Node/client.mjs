// The official client: node client.mjs URL [json]. Without "json" it speaks its default, the reliable protocol.
import { WebPubSubClient, WebPubSubJsonProtocol } from "@azure/web-pubsub-client";
import { emit, serve } from "./lines.mjs";

const [url, protocol] = process.argv.slice(2);
const client = new WebPubSubClient(url, {
  ...(protocol === "json" ? { protocol: WebPubSubJsonProtocol() } : {}),
  messageRetryOptions: { maxRetries: 1, retryDelayInMs: 1 },
  reconnectRetryOptions: { retryDelayInMs: 10 },
  keepAliveIntervalInMs: 50,
  keepAliveTimeoutInMs: 2000,
});
client.on("connected", ({ connectionId, userId }) => emit("connected", { connectionId, userId }));
client.on("disconnected", ({ connectionId, message }) => emit("disconnected", { connectionId, message: message?.message }));
client.on("stopped", () => emit("stopped"));
client.on("group-message", ({ message }) => emit("group-message", message));
client.on("server-message", ({ message }) => emit("server-message", message));

await serve({
  start: () => client.start(),
  joinGroup: ({ group }) => client.joinGroup(group),
  leaveGroup: ({ group }) => client.leaveGroup(group),
  sendToGroup: ({ group, data, dataType, noEcho }) => client.sendToGroup(group, data, dataType, { noEcho }),
  sendEvent: ({ name, data, dataType, ackId }) => client.sendEvent(name, data, dataType, { ackId }),
  stop: () => client.stop(),
});
