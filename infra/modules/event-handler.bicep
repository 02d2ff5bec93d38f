// What Web PubSub gives to the app: the hub's event handler. Web PubSub asks the app whether it wants the events, so it comes after the code and not with the rest. azd does
// that by its hook, and `az deployment group create` does it by hand.

param webPubSubName string
param functionAppName string
param hubName string = 'cosmo'

@description('For whom Web PubSub has a token of its identity made out that it sends with each event, an Entra application\'s ID URI (api://…). The app checks it. Empty: a key of the host opens the function.')
param audience string = ''

@description('A function key of the host, where there is no audience.')
@secure()
param functionKey string = ''

resource app 'Microsoft.Web/sites@2024-04-01' existing = {
  name: functionAppName
}

resource webPubSub 'Microsoft.SignalRService/webPubSub@2024-03-01' existing = {
  name: webPubSubName
}

resource hub 'Microsoft.SignalRService/webPubSub/hubs@2024-03-01' = {
  parent: webPubSub
  name: hubName
  properties: {
    anonymousConnectPolicy: 'deny'
    eventHandlers: [
      {
        urlTemplate: empty(audience)
          ? 'https://${app.properties.defaultHostName}/api/webpubsub/events?code=${functionKey}'
          : 'https://${app.properties.defaultHostName}/api/webpubsub/entra-events'
        userEventPattern: join(loadJsonContent('../../Cosmo.Functions/Receiving/client-events.json'), ',')
        systemEvents: []
        auth: empty(audience) ? { type: 'None' } : { type: 'ManagedIdentity', managedIdentity: { resource: audience } }
      }
    ]
  }
}
