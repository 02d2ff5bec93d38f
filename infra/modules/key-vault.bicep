// The secrets of what takes no identity. The app reads them through Key Vault references in its settings.

param name string
param location string
param tags object
param principalId string
param endpointSubnetId string

@description('With protection a vault that was deleted, and its name, come free after the retention only: 7 days.')
param purgeProtection bool

@description('Values by the name of the secret.')
@secure()
param secrets object

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: subscription().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 7
    enablePurgeProtection: purgeProtection ? true : null
    publicNetworkAccess: empty(endpointSubnetId) ? 'Enabled' : 'Disabled'
    // Deployments write secrets as Azure's own services.
    networkAcls: { bypass: 'AzureServices', defaultAction: empty(endpointSubnetId) ? 'Allow' : 'Deny' }
  }
}

resource values 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = [
  for secret in items(secrets): {
    parent: vault
    name: secret.key
    properties: { value: secret.value }
  }
]

var secretsUser = '4633458b-17de-408a-b874-0445c86b69e6' // Key Vault Secrets User

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vault
  name: guid(vault.id, principalId, secretsUser)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', secretsUser)
  }
}

module endpoint 'private-endpoint.bicep' = if (!empty(endpointSubnetId)) {
  name: '${deployment().name}-vault'
  params: {
    serviceId: vault.id
    groupId: 'vault'
    zoneName: 'privatelink.vaultcore.azure.net'
    subnetId: endpointSubnetId
    location: location
    tags: tags
  }
}
