// Cosmo on Azure: the function app on a Dedicated (App Service) plan and what it needs, without the RabbitMQ broker, which exists.
// The RabbitMQ trigger runs on Dedicated and Elastic Premium plans only. Dedicated needs no storage key, so every connection
// but those of RabbitMQ, Redis and the tools' services uses the app's managed identity.
//
// It compiles with Bicep 0.49 and was not deployed where it was written: run `az deployment group what-if` first.

targetScope = 'resourceGroup'

@description('What every resource name begins with: 3 to 11 lower-case letters and digits.')
@minLength(3)
@maxLength(11)
param name string = 'cosmo'

param location string = resourceGroup().location

@description('The plan, Dedicated. One instance reads the queue in order; more instances read it side by side.')
param planSku string = 'P0v3'

@description('amqps://user:password@host/vhost of the existing broker.')
@secure()
param rabbitMQUrl string

param exchangeName string = 'cosmo_exchange'
param queueName string = 'cosmo_queue'
param routingKey string = 'cosmo_key'
param redisPrefix string = 'cosmo:'

@description('So long a thread is kept after its last message, in seconds.')
@minValue(60)
param redisThreadExpiry int = 7776000

@description('Threads without a message for so many days are removed, and histories of orchestrations after so many.')
param threadRetentionDays int = 90
param historyRetentionDays int = 7

@description('Key of OpenAI. Leave empty when azureOpenAIEndpoint is set.')
@secure()
param openAIApiKey string = ''

@description('https://NAME.openai.azure.com. The app calls it with its managed identity, which needs the role Cognitive Services OpenAI User there.')
param azureOpenAIEndpoint string = ''

@description('The model, or with Azure OpenAI the name of its deployment.')
param openAIModel string = 'gpt-4o-mini'

@description('A service that speaks as OpenAI does. Empty: OpenAI itself.')
param openAIBaseUrl string = ''

@description('A folder of profiles, relative to the app, in the place of its own Profiles.')
param profilesPath string = ''

@description('A folder of tools that are files, relative to the app, beside its own Tools.')
param toolsPath string = ''

@description('So many minutes a person may take to approve a call of a tool.')
@minValue(1)
@maxValue(1440)
param approvalMinutes int = 10

@secure()
param openWeatherApiKey string = ''

@description('A service that answers as OpenWeather does. Empty: OpenWeather itself.')
param openWeatherBaseUrl string = ''

@secure()
param sqlConnectionString string = ''

@description('The service behind the audit log tool. Empty: the tool says that it is not configured.')
param auditApiUrl string = ''

@description('The service behind the user role tool.')
param userRoleApiUrl string = ''

@description('The key of the two services above.')
@secure()
param toolsApiKey string = ''

@description('Settings that the files of tools name as %NAME%, such as { RATES_API_KEY: \'key\' }. The key vault keeps them.')
@secure()
param toolFileSettings object = {}

@description('Who may open a channel: whoever knows its name, the user it belongs to, or users whose token lists it.')
@allowed(['open', 'owner', 'claim'])
param channelAccess string = 'open'

@description('The OpenID Connect provider whose tokens sign users in, and whom they must be made out for. Both or neither.')
param accessAuthority string = ''
param accessAudience string = ''

@description('Where the host application is asked before somebody gets the address of a channel.')
@secure()
param accessDecisionUrl string = ''

@description('From whom messages are taken over a connection: from signed-in users, or from anyone who can listen.')
@allowed(['signed_in', 'anyone'])
param clientMessages string = 'signed_in'

@description('So many messages a user may ask in a minute. 0: no limit.')
@minValue(0)
@maxValue(10000)
param userMessagesPerMinute int = 0

@description('So many tokens a user may use in a day. 0: no limit.')
@minValue(0)
@maxValue(1000000000)
param userTokensPerDay int = 0

@description('So many days what was used is kept.')
@minValue(1)
@maxValue(400)
param usageDays int = 90

@description('Origins of the web pages that may call negotiate.')
param allowedOrigins array = []

@description('Client id of an Entra app registration. When set, App Service authentication recognises signed-in users; anonymous calls still pass to the functions, which decide.')
param authClientId string = ''

param redisSku string = 'Balanced_B0'

@allowed(['Free_F1', 'Standard_S1', 'Premium_P1'])
param webPubSubSku string = 'Standard_S1'

var suffix = take(uniqueString(resourceGroup().id), 8)
var appName = '${name}-${suffix}'
var hubName = 'cosmo'

// Secrets by app setting. Those that are empty are left out.
var secrets = filter(
  concat([
    { setting: 'RABBITMQ_URL', secret: 'rabbitmq-url', value: rabbitMQUrl }
    { setting: 'OPENAI_API_KEY', secret: 'openai-api-key', value: openAIApiKey }
    { setting: 'OPENWEATHER_API_KEY', secret: 'openweather-api-key', value: openWeatherApiKey }
    { setting: 'MSSQL_CONNECTION_STRING', secret: 'mssql-connection-string', value: sqlConnectionString }
    { setting: 'X_API_KEY', secret: 'tools-api-key', value: toolsApiKey }
  ], map(items(toolFileSettings), item => { setting: item.key, secret: 'tool-file-${toLower(replace(item.key, '_', '-'))}', value: item.value })),
  item => !empty(item.value)
)

// --- Observability -------------------------------------------------------------------------------------------------

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: '${appName}-logs'
  location: location
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: 30
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: '${appName}-insights'
  location: location
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
  }
}

// --- Storage: the Functions host and the Durable task hub -----------------------------------------------------------

resource storage 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: '${name}${suffix}'
  location: location
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: {
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }
}

// --- Redis ---------------------------------------------------------------------------------------------------------

resource redis 'Microsoft.Cache/redisEnterprise@2025-07-01' = {
  name: '${appName}-redis'
  location: location
  sku: { name: redisSku }
  properties: {
    minimumTlsVersion: '1.2'
    highAvailability: 'Enabled'
    publicNetworkAccess: 'Enabled'
  }
}

resource redisDatabase 'Microsoft.Cache/redisEnterprise/databases@2025-07-01' = {
  parent: redis
  name: 'default'
  properties: {
    port: 10000
    clientProtocol: 'Encrypted'
    clusteringPolicy: 'EnterpriseCluster'
    // Threads must not be dropped to make room.
    evictionPolicy: 'NoEviction'
    accessKeysAuthentication: 'Enabled'
    persistence: {
      aofEnabled: true
      aofFrequency: '1s'
      rdbEnabled: false
    }
  }
}

// --- Key Vault -----------------------------------------------------------------------------------------------------

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: '${name}-${suffix}-kv'
  location: location
  properties: {
    tenantId: subscription().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    enablePurgeProtection: true
  }
}

resource vaultSecrets 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = [
  for item in secrets: {
    parent: vault
    name: item.secret
    properties: { value: item.value }
  }
]

resource redisSecret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: 'redis-url'
  properties: {
    value: 'rediss://:${uriComponent(redisDatabase.listKeys().primaryKey)}@${redis.properties.hostName}:10000/0'
  }
}

// --- The app -------------------------------------------------------------------------------------------------------

resource plan 'Microsoft.Web/serverfarms@2023-12-01' = {
  name: '${appName}-plan'
  location: location
  kind: 'linux'
  sku: { name: planSku }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2023-12-01' = {
  name: appName
  location: location
  kind: 'functionapp,linux'
  identity: { type: 'SystemAssigned' }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    siteConfig: {
      linuxFxVersion: 'DOTNET-ISOLATED|10.0'
      alwaysOn: true
      ftpsState: 'Disabled'
      minTlsVersion: '1.2'
      healthCheckPath: '/api/health/live'
      cors: { allowedOrigins: allowedOrigins }
    }
  }
}

var secretSettings = toObject(
  concat(map(secrets, item => { setting: item.setting, secret: item.secret }), [{ setting: 'REDIS_URL', secret: 'redis-url' }]),
  item => item.setting,
  item => '@Microsoft.KeyVault(VaultName=${vault.name};SecretName=${item.secret})'
)

var optionalSettings = union(
  empty(azureOpenAIEndpoint) ? {} : { AZURE_OPENAI_ENDPOINT: azureOpenAIEndpoint },
  empty(openAIBaseUrl) ? {} : { OPENAI_BASE_URL: openAIBaseUrl },
  empty(profilesPath) ? {} : { PROFILES_PATH: profilesPath },
  empty(toolsPath) ? {} : { TOOLS_PATH: toolsPath },
  empty(openWeatherBaseUrl) ? {} : { OPENWEATHER_BASE_URL: openWeatherBaseUrl },
  empty(accessAuthority) ? {} : { Cosmo__Access__Authority: accessAuthority, Cosmo__Access__Audience: accessAudience },
  empty(accessDecisionUrl) ? {} : { Cosmo__Access__DecisionUrl: accessDecisionUrl },
  empty(auditApiUrl) ? {} : { AUDIT_API_URL: auditApiUrl },
  empty(userRoleApiUrl) ? {} : { USER_ROLE_API_URL: userRoleApiUrl }
)

resource appSettings 'Microsoft.Web/sites/config@2023-12-01' = {
  parent: app
  name: 'appsettings'
  properties: union(secretSettings, optionalSettings, {
    FUNCTIONS_EXTENSION_VERSION: '~4'
    FUNCTIONS_WORKER_RUNTIME: 'dotnet-isolated'
    WEBSITE_RUN_FROM_PACKAGE: '1'
    AzureWebJobsStorage__accountName: storage.name
    APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
    EXCHANGE_NAME: exchangeName
    QUEUE_NAME: queueName
    THREAD_PRUNING_SCHEDULE: '0 0 3 * * *'
    THREAD_INDEXING_SCHEDULE: '0 30 * * * *'
    HISTORY_PURGING_SCHEDULE: '0 0 4 * * *'
    ROUTING_KEY: routingKey
    REDIS_PREFIX: redisPrefix
    REDIS_THREAD_EXPIRY: string(redisThreadExpiry)
    THREAD_RETENTION_DAYS: string(threadRetentionDays)
    HISTORY_RETENTION_DAYS: string(historyRetentionDays)
    OPENAI_MODEL: openAIModel
    APPROVAL_MINUTES: string(approvalMinutes)
    WEB_PUBSUB_ENDPOINT: 'https://${webPubSub.properties.hostName}'
    WEB_PUBSUB_HUB: hubName
    CHANNEL_ACCESS: channelAccess
    CLIENT_MESSAGES: clientMessages
    USER_MESSAGES_PER_MINUTE: string(userMessagesPerMinute)
    USER_TOKENS_PER_DAY: string(userTokensPerDay)
    USAGE_DAYS: string(usageDays)
  })
  // A Key Vault reference that cannot be read yet stays broken until the next restart.
  dependsOn: [vaultSecrets, redisSecret, vaultRole, storageAccess, webPubSubRole]
}

resource authentication 'Microsoft.Web/sites/config@2023-12-01' = if (!empty(authClientId)) {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: { enabled: true }
    globalValidation: {
      requireAuthentication: false
      unauthenticatedClientAction: 'AllowAnonymous'
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

// --- Web PubSub ----------------------------------------------------------------------------------------------------

resource webPubSub 'Microsoft.SignalRService/webPubSub@2024-03-01' = {
  name: '${appName}-pubsub'
  location: location
  sku: { name: webPubSubSku, capacity: 1 }
  properties: {
    // Only the app's identity may send; clients come with tokens that the app had made for them.
    disableLocalAuth: true
    publicNetworkAccess: 'Enabled'
  }
}

// The host's key exists once the app has started, so the first deployment may have to be run a second time for this.
resource hub 'Microsoft.SignalRService/webPubSub/hubs@2024-03-01' = {
  parent: webPubSub
  name: hubName
  properties: {
    anonymousConnectPolicy: 'deny'
    eventHandlers: [
      {
        urlTemplate: 'https://${app.properties.defaultHostName}/api/webpubsub/events?code=${listKeys('${app.id}/host/default', '2023-12-01').functionKeys.default}'
        userEventPattern: join(loadJsonContent('../Cosmo.Functions/Receiving/client-events.json'), ',')
        systemEvents: []
      }
    ]
  }
  dependsOn: [appSettings]
}

// --- What the app's identity may do --------------------------------------------------------------------------------

var storageRoles = [
  'b7e6dc6d-f1e8-4753-8033-0f276bb0955b' // Storage Blob Data Owner
  '974c5e8b-45b9-4653-ba55-5f855dd0fb88' // Storage Queue Data Contributor
  '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3' // Storage Table Data Contributor
]

resource storageAccess 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in storageRoles: {
    scope: storage
    name: guid(storage.id, app.id, role)
    properties: {
      principalId: app.identity.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
    }
  }
]

resource vaultRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vault
  name: guid(vault.id, app.id, 'Key Vault Secrets User')
  properties: {
    principalId: app.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '4633458b-17de-408a-b874-0445c86b69e6')
  }
}

resource webPubSubRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: webPubSub
  name: guid(webPubSub.id, app.id, 'Web PubSub Service Owner')
  properties: {
    principalId: app.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '12cf5a90-567b-43ae-8102-96cf46c7d9b4')
  }
}

output appName string = app.name
output functionsUrl string = 'https://${app.properties.defaultHostName}/api'
output principalId string = app.identity.principalId
