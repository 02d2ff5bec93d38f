// A service's address in the virtual network, and the zone that its name is looked up in there.

@description('Resource id of the service.')
param serviceId string

@description('Which part of the service: what Azure calls a group id, such as blob.')
param groupId string

@description('The zone of the service in Azure Private Link, such as privatelink.vaultcore.azure.net.')
param zoneName string

param subnetId string
param location string
param tags object

var name = '${last(split(serviceId, '/'))}-${groupId}'

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = {
  name: zoneName
  location: 'global'
  tags: tags

  resource link 'virtualNetworkLinks' = {
    name: name
    location: 'global'
    properties: {
      registrationEnabled: false
      virtualNetwork: { id: split(subnetId, '/subnets/')[0] }
    }
  }
}

resource endpoint 'Microsoft.Network/privateEndpoints@2024-05-01' = {
  name: 'pep-${name}'
  location: location
  tags: tags
  properties: {
    subnet: { id: subnetId }
    privateLinkServiceConnections: [
      {
        name: groupId
        properties: { privateLinkServiceId: serviceId, groupIds: [groupId] }
      }
    ]
  }

  resource names 'privateDnsZoneGroups' = {
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [{ name: groupId, properties: { privateDnsZoneId: zone.id } }]
    }
  }
}
