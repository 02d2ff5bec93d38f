// The official client: node client.mjs URL [json] [1.0]. Without "json" it speaks its default, the reliable protocol; with "1.0" it is of that version.
import { emit, serve } from "./lines.mjs";

const [url, ...words] = process.argv.slice(2);
const { WebPubSubClient, WebPubSubJsonProtocol } = await import(words.includes("1.0") ? "@azure/web-pubsub-client-1.0" : "@azure/web-pubsub-client");
const client = new WebPubSubClient(url, {
  ...(words.includes("json") ? { protocol: WebPubSubJsonProtocol() } : {}),
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

const streams = new Map();

await serve({
  start: () => client.start(),
  joinGroup: ({ group }) => client.joinGroup(group),
  leaveGroup: ({ group }) => client.leaveGroup(group),
  sendToGroup: ({ group, data, dataType, noEcho }) => client.sendToGroup(group, data, dataType, { noEcho }),
  sendEvent: ({ name, data, dataType, ackId }) => client.sendEvent(name, data, dataType, { ackId }),
  invokeEvent: ({ name, data, dataType, cancelled }) => client.invokeEvent(name, data, dataType, cancelled ? { abortSignal: AbortSignal.timeout(200) } : {}),
  listenToStreams: () => {
    client.onGroupStream(async (stream) => {
      try {
        for await (const { data, fromUserId } of stream) {
          emit("stream-data", { stream: stream.streamId, data, fromUserId });
        }
        emit("stream-end", { stream: stream.streamId });
      } catch (error) {
        emit("stream-end", { stream: stream.streamId, error });
      }
    });
  },
  openStream: async ({ group, idleTimeoutInMs }) => {
    const stream = await client.openGroupStream(group, { idleTimeoutInMs });
    streams.set(stream.streamId, stream);
    stream.onError((error) => emit("stream-error", { stream: stream.streamId, error }));
    return stream.streamId;
  },
  writeStream: ({ stream, data }) => streams.get(stream).write(data, "text"),
  endStream: ({ stream, error }) => (error ? streams.get(stream).abort(error) : streams.get(stream).end()),
  stop: () => client.stop(),
});
