// The file share that Elastic Premium keeps the app's files in. Azure Files takes a key and no identity here, so the share has an account to itself,
// and its key goes into the key vault and nowhere else.

param name string
param shareName string
param location string
param tags object
param vaultName string

param endpointSubnetId string

resource storage 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: {
    allowBlobPublicAccess: false
    allowSharedKeyAccess: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: empty(endpointSubnetId) ? 'Enabled' : 'Disabled'
    networkAcls: { bypass: 'None', defaultAction: empty(endpointSubnetId) ? 'Allow' : 'Deny' }
  }

  resource files 'fileServices' = {
    name: 'default'

    resource share 'shares' = {
      name: shareName
    }
  }
}

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: vaultName

  resource secret 'secrets' = {
    name: 'content-share'
    properties: {
      value: 'DefaultEndpointsProtocol=https;AccountName=${storage.name};AccountKey=${storage.listKeys().keys[0].value};EndpointSuffix=${environment().suffixes.storage}'
    }
  }
}

module endpoint 'private-endpoint.bicep' = if (!empty(endpointSubnetId)) {
  name: '${deployment().name}-file'
  params: {
    serviceId: storage.id
    groupId: 'file'
    zoneName: 'privatelink.file.${environment().suffixes.storage}'
    subnetId: endpointSubnetId
    location: location
    tags: tags
  }
}
