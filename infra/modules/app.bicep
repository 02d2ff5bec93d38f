// The function app and its plan: Dedicated or Elastic Premium, since the RabbitMQ trigger runs on no other.

param name string
param planName string
param location string
param tags object
param planSku string

@description('Instances that always run.')
param instances int

@description('Instances that Elastic Premium may go up to. A Dedicated plan stays at its number.')
param maxInstances int

param identityId string
param identityClientId string

@description('Where the app\'s calls into the virtual network leave from. Empty: no virtual network.')
param subnetId string

@description('Origins of the pages that may call the functions.')
param corsOrigins array

@description('Client id of an Entra app registration, for App Service authentication. Empty: none.')
param authClientId string

param storageName string

@description('The file share of Elastic Premium. Empty on Dedicated.')
param contentShare string

@description('App settings of Cosmo, without what is secret.')
param settings object

@description('Key Vault references by the app setting that has them.')
param references object

var elastic = startsWith(planSku, 'EP')

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: planName
  location: location
  tags: tags
  kind: elastic ? 'elastic' : 'linux'
  sku: { name: planSku, capacity: instances }
  properties: {
    reserved: true
    maximumElasticWorkerCount: elastic ? maxInstances : null
  }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'functions' })
  kind: 'functionapp,linux'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    vnetContentShareEnabled: elastic && !empty(subnetId)
    siteConfig: {
      linuxFxVersion: 'DOTNET-ISOLATED|10.0'
      alwaysOn: !elastic
      minimumElasticInstanceCount: elastic ? instances : null
      functionAppScaleLimit: elastic ? maxInstances : null
      // Without it Elastic Premium does not look at the queue, and stays at its smallest number.
      functionsRuntimeScaleMonitoringEnabled: elastic
      ftpsState: 'Disabled'
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      http20Enabled: true
      healthCheckPath: '/api/health/live'
      cors: { allowedOrigins: corsOrigins }
    }
  }

  // Deployments sign in with Entra; user names and passwords of publishing profiles open nothing.
  resource ftpPasswords 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }

  resource scmPasswords 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }
}

var contentShareSettings = {
  WEBSITE_CONTENTSHARE: contentShare
  WEBSITE_SKIP_CONTENTSHARE_VALIDATION: '1'
}

resource appSettings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: app
  name: 'appsettings'
  properties: union(
    settings,
    references,
    empty(contentShare) ? {} : contentShareSettings,
    {
      FUNCTIONS_EXTENSION_VERSION: '~4'
      FUNCTIONS_WORKER_RUNTIME: 'dotnet-isolated'
      WEBSITE_RUN_FROM_PACKAGE: '1'
      AzureWebJobsStorage__accountName: storageName
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identityClientId
      // Which identity Azure.Identity takes.
      AZURE_CLIENT_ID: identityClientId
    }
  )
}

resource authentication 'Microsoft.Web/sites/config@2024-04-01' = if (!empty(authClientId)) {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: { enabled: true }
    globalValidation: {
      requireAuthentication: false
      unauthenticatedClientAction: 'AllowAnonymous'
      // The token that Web PubSub's events carry is for another audience; the app checks it.
      excludedPaths: ['/api/webpubsub/entra-events']
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: authClientId
          openIdIssuer: '${environment().authentication.loginEndpoint}${subscription().tenantId}/v2.0'
        }
        validation: { allowedAudiences: [authClientId, 'api://${authClientId}'] }
      }
    }
    login: { tokenStore: { enabled: false } }
  }
  dependsOn: [appSettings]
}

output name string = app.name
output url string = 'https://${app.properties.defaultHostName}/api'
