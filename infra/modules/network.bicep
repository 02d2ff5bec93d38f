// The virtual network: a subnet that the app's calls leave from, one for private endpoints, and one for the broker in Container Apps.

param name string
param location string
param tags object

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: ['10.20.0.0/16'] }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: '10.20.0.0/24'
          delegations: [{ name: 'app', properties: { serviceName: 'Microsoft.Web/serverFarms' } }]
        }
      }
      {
        name: 'endpoints'
        properties: { addressPrefix: '10.20.1.0/24', privateEndpointNetworkPolicies: 'Disabled' }
      }
      {
        name: 'broker'
        properties: {
          addressPrefix: '10.20.2.0/24'
          delegations: [{ name: 'broker', properties: { serviceName: 'Microsoft.App/environments' } }]
        }
      }
    ]
  }
}
