// What the Functions host keeps and, unless the Durable Task Scheduler does, the Durable task hub. No key opens it.

param name string
param location string
param tags object
param principalId string

@description('Where the private endpoints stand. Empty: the account is reached over the public network, and opens to identities only.')
param endpointSubnetId string

resource storage 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: {
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: empty(endpointSubnetId) ? 'Enabled' : 'Disabled'
    networkAcls: { bypass: 'None', defaultAction: empty(endpointSubnetId) ? 'Allow' : 'Deny' }
  }
}

var roles = [
  'b7e6dc6d-f1e8-4753-8033-0f276bb0955b' // Storage Blob Data Owner
  '974c5e8b-45b9-4653-ba55-5f855dd0fb88' // Storage Queue Data Contributor
  '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3' // Storage Table Data Contributor
]

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in roles: {
    scope: storage
    name: guid(storage.id, principalId, role)
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
    }
  }
]

module endpoints 'private-endpoint.bicep' = [
  for service in ['blob', 'queue', 'table']: if (!empty(endpointSubnetId)) {
    name: '${deployment().name}-${service}'
    params: {
      serviceId: storage.id
      groupId: service
      zoneName: 'privatelink.${service}.${environment().suffixes.storage}'
      subnetId: endpointSubnetId
      location: location
      tags: tags
    }
  }
]
