// The official server SDK: node server.mjs CONNECTION_STRING HUB. It takes no status but the documented one for success.
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import { serve } from "./lines.mjs";

const [connectionString, hub] = process.argv.slice(2);
const service = new WebPubSubServiceClient(connectionString, hub, { allowInsecureConnection: true, retryOptions: { maxRetries: 0 } });

await serve({
  token: (options) => service.getClientAccessToken(options),
  sendToAll: ({ message, options }) => service.sendToAll(message, options),
  sendToUser: ({ user, message, options }) => service.sendToUser(user, message, options),
  sendToConnection: ({ id, message, options }) => service.sendToConnection(id, message, options),
  sendToGroup: ({ group, message, options }) => service.group(group).sendToAll(message, options),
  addConnection: ({ group, id }) => service.group(group).addConnection(id),
  removeConnection: ({ group, id }) => service.group(group).removeConnection(id),
  addUser: ({ group, user }) => service.group(group).addUser(user),
  removeUser: ({ group, user }) => service.group(group).removeUser(user),
  removeUserFromAllGroups: ({ user }) => service.removeUserFromAllGroups(user),
  removeConnectionFromAllGroups: ({ id }) => service.removeConnectionFromAllGroups(id),
  addConnectionsToGroups: ({ groups, filter }) => service.addConnectionsToGroups(groups, filter),
  removeConnectionsFromGroups: ({ groups, filter }) => service.removeConnectionsFromGroups(groups, filter),
  listConnections: async ({ group, options }) => {
    const found = [];
    for await (const connection of await service.group(group).listConnections(options)) {
      found.push(connection);
    }
    return found;
  },
  groupExists: ({ group }) => service.groupExists(group),
  userExists: ({ user }) => service.userExists(user),
  connectionExists: ({ id }) => service.connectionExists(id),
  grantPermission: ({ id, permission, options }) => service.grantPermission(id, permission, options),
  revokePermission: ({ id, permission, options }) => service.revokePermission(id, permission, options),
  hasPermission: ({ id, permission, options }) => service.hasPermission(id, permission, options),
  closeConnection: ({ id, options }) => service.closeConnection(id, options),
  closeUserConnections: ({ user }) => service.closeUserConnections(user),
  closeGroupConnections: ({ group, options }) => service.group(group).closeAllConnections(options),
  closeAllConnections: () => service.closeAllConnections(),
});
