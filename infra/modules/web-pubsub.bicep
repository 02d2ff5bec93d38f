// Azure Web PubSub. Only the app's identity may send; clients come with tokens that the app had made for them. Its hub is event-handler.bicep's.

param name string
param location string
param tags object
param sku string

@minValue(1)
@maxValue(100)
param units int

param principalId string
param endpointSubnetId string

resource webPubSub 'Microsoft.SignalRService/webPubSub@2024-03-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: sku, capacity: units }
  // Its tokens come with the events that the service gives to the app.
  identity: { type: 'SystemAssigned' }
  properties: {
    disableLocalAuth: true
    tls: { clientCertEnabled: false }
    publicNetworkAccess: 'Enabled'
    // Browsers come over the public network in any case; where the app has an endpoint, nobody else does.
    networkACLs: empty(endpointSubnetId)
      ? null
      : {
          defaultAction: 'Allow'
          publicNetwork: { deny: ['ServerConnection', 'RESTAPI', 'Trace'] }
          privateEndpoints: []
        }
  }
}

var serviceOwner = '12cf5a90-567b-43ae-8102-96cf46c7d9b4' // Web PubSub Service Owner

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: webPubSub
  name: guid(webPubSub.id, principalId, serviceOwner)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', serviceOwner)
  }
}

module endpoint 'private-endpoint.bicep' = if (!empty(endpointSubnetId)) {
  name: '${deployment().name}-webpubsub'
  params: {
    serviceId: webPubSub.id
    groupId: 'webpubsub'
    zoneName: 'privatelink.webpubsub.azure.com'
    subnetId: endpointSubnetId
    location: location
    tags: tags
  }
}

output endpoint string = 'https://${webPubSub.properties.hostName}'

@description('The object id of its identity.')
output principalId string = webPubSub.identity.principalId
