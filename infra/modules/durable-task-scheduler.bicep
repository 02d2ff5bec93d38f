// The Durable Task Scheduler with its task hub, in the place of the queues and tables of Azure Storage. It knows no keys.

param name string
param taskHubName string
param location string
param tags object
param sku string

@description('Capacity units of the Dedicated SKU; 3 for high availability.')
param capacity int

param principalId string
param endpointSubnetId string

resource scheduler 'Microsoft.DurableTask/schedulers@2026-02-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    sku: sku == 'Dedicated' ? { name: sku, capacity: capacity } : { name: sku }
    // An empty list lets nobody in.
    ipAllowlist: ['0.0.0.0/0']
    publicNetworkAccess: empty(endpointSubnetId) ? 'Enabled' : 'Disabled'
  }

  resource taskHub 'taskHubs' = {
    name: taskHubName
  }
}

var dataContributor = '0ad04412-c4d5-4796-b79c-f76d14c8d402' // Durable Task Data Contributor

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: scheduler
  name: guid(scheduler.id, principalId, dataContributor)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataContributor)
  }
}

module endpoint 'private-endpoint.bicep' = if (!empty(endpointSubnetId)) {
  name: '${deployment().name}-scheduler'
  params: {
    serviceId: scheduler.id
    groupId: 'scheduler'
    zoneName: 'privatelink.durabletask.io'
    subnetId: endpointSubnetId
    location: location
    tags: tags
  }
}

output endpoint string = scheduler.properties.endpoint
