// Azure Managed Redis. The app signs in with its identity; access keys are off.

param name string
param location string
param tags object
param sku string
param principalId string
param endpointSubnetId string

resource redis 'Microsoft.Cache/redisEnterprise@2025-07-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: sku }
  properties: {
    minimumTlsVersion: '1.2'
    highAvailability: 'Enabled'
    publicNetworkAccess: empty(endpointSubnetId) ? 'Enabled' : 'Disabled'
  }
}

resource database 'Microsoft.Cache/redisEnterprise/databases@2025-07-01' = {
  parent: redis
  name: 'default'
  properties: {
    port: 10000
    clientProtocol: 'Encrypted'
    clusteringPolicy: 'EnterpriseCluster'
    // Threads must not be dropped to make room.
    evictionPolicy: 'NoEviction'
    accessKeysAuthentication: 'Disabled'
    persistence: {
      aofEnabled: true
      aofFrequency: '1s'
      rdbEnabled: false
    }
  }

  resource app 'accessPolicyAssignments' = {
    name: 'app'
    properties: {
      accessPolicyName: 'default'
      user: { objectId: principalId }
    }
  }
}

module endpoint 'private-endpoint.bicep' = if (!empty(endpointSubnetId)) {
  name: '${deployment().name}-redis'
  params: {
    serviceId: redis.id
    groupId: 'redisEnterprise'
    zoneName: 'privatelink.redis.azure.net'
    subnetId: endpointSubnetId
    location: location
    tags: tags
  }
}

output url string = 'rediss://${redis.properties.hostName}:${database.properties.port}/0'
