// The official webhook middleware: node webhook.mjs HUB. Says its port, then every event that it takes.
import { createServer } from "node:http";
import { WebPubSubEventHandler } from "@azure/web-pubsub-express";
import { emit, serve } from "./lines.mjs";

const handler = new WebPubSubEventHandler(process.argv[2], {
  path: "/events",
  handleConnect: (request, response) => {
    emit("connect", { userId: request.context.userId, claims: request.claims });
    response.setState("visits", 1);
    response.success({ groups: ["lobby"] });
  },
  onConnected: (request) => emit("connected", { userId: request.context.userId }),
  onGroupJoined: (request) => emit("joined", { group: request.group, userId: request.context.userId }),
  onGroupLeft: (request) => emit("left", { group: request.group, userId: request.context.userId }),
  onDisconnected: (request) => emit("disconnected", { reason: request.reason }),
  handleUserEvent: (request, response) => {
    const { eventName, userId, states } = request.context;
    emit("user-event", { eventName, userId, states, data: request.data, dataType: request.dataType });
    if (eventName === "refuse") {
      response.fail(500, "refused");
    } else {
      response.success("heard " + request.data, "text");
    }
  },
});
const middleware = handler.getMiddleware();
const server = createServer((request, response) => {
  request.baseUrl = "";
  request.path = new URL(request.url, "http://localhost").pathname;
  middleware(request, response, () => response.writeHead(404).end());
});
server.listen(0, "127.0.0.1", () => emit("listening", { port: server.address().port }));

await serve({});
