// Azure OpenAI with one deployment, whose name is the model's. The app signs in with its identity; keys are off.

param name string
param location string
param tags object
param model string

@description('Empty: the version that Azure takes as the default.')
param modelVersion string

param deploymentSku string

@description('Thousands of tokens a minute.')
@minValue(1)
param capacity int

param principalId string
param endpointSubnetId string

resource account 'Microsoft.CognitiveServices/accounts@2024-10-01' = {
  name: name
  location: location
  tags: tags
  kind: 'OpenAI'
  sku: { name: 'S0' }
  properties: {
    customSubDomainName: name
    disableLocalAuth: true
    publicNetworkAccess: empty(endpointSubnetId) ? 'Enabled' : 'Disabled'
    networkAcls: { defaultAction: empty(endpointSubnetId) ? 'Allow' : 'Deny' }
  }

  resource deployment 'deployments' = {
    name: model
    sku: { name: deploymentSku, capacity: capacity }
    properties: {
      model: { format: 'OpenAI', name: model, version: empty(modelVersion) ? null : modelVersion }
      // A model changes when an operator says so: its answers do too.
      versionUpgradeOption: 'OnceCurrentVersionExpired'
    }
  }
}

var openAIUser = '5e0bd9bd-7b93-4f28-af87-19fc36ad61bd' // Cognitive Services OpenAI User

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: account
  name: guid(account.id, principalId, openAIUser)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', openAIUser)
  }
}

module endpoint 'private-endpoint.bicep' = if (!empty(endpointSubnetId)) {
  name: '${az.deployment().name}-account'
  params: {
    serviceId: account.id
    groupId: 'account'
    zoneName: 'privatelink.openai.azure.com'
    subnetId: endpointSubnetId
    location: location
    tags: tags
  }
}
