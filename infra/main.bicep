// Cosmo on Azure, in a resource group of its own: what `azd up` provisions. docs/azure.md tells what each choice means.
// It was compiled and held against the app by tests; it was not deployed where it was written.

targetScope = 'subscription'

// --- Where, and under which name -----------------------------------------------------------------------------------

@description('Name of the environment. The resource group is called after it.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Region of everything but the chat page.')
@minLength(1)
@metadata({ azd: { type: 'location' } })
param location string

@description('Empty: rg-ENVIRONMENT.')
param resourceGroupName string = ''

@description('Tags of everything, beside azd\'s own.')
param tags object = {}

// --- Choices -------------------------------------------------------------------------------------------------------

@description('existing: your own broker, at rabbitMQUrl. containerApp: a single node in Container Apps to try things out, no broker for production; it takes the virtual network along.')
@allowed(['existing', 'containerApp'])
param broker string

@description('deployed: Azure OpenAI with one deployment, in this resource group. existing: yours, at azureOpenAIEndpoint. key: OpenAI, or what speaks as it does, with openAIApiKey.')
@allowed(['deployed', 'existing', 'key'])
param modelService string = 'deployed'

@description('Where orchestrations are kept. durableTaskScheduler needs a build of the app with CosmoDurableTaskScheduler=true.')
@allowed(['azureStorage', 'durableTaskScheduler'])
param durableStore string = 'azureStorage'

@description('none: every service has a public address and lets identities in. privateEndpoints: the app reaches storage, key vault, Redis, Web PubSub and OpenAI over a virtual network, and all but Web PubSub, which browsers need, over nothing else.')
@allowed(['none', 'privateEndpoints'])
param network string = 'none'

@description('P…: Dedicated. EP…: Elastic Premium. The RabbitMQ trigger runs on no other plan.')
@allowed(['B1', 'B2', 'B3', 'P0v3', 'P1v3', 'P2v3', 'P3v3', 'P0v4', 'P1v4', 'P2v4', 'P3v4', 'EP1', 'EP2', 'EP3'])
param planSku string = 'P0v3'

@description('Instances that always run. One reads the queue in order; more read it side by side.')
@minValue(1)
@maxValue(20)
param instances int = 1

@description('Instances that Elastic Premium may go up to.')
@minValue(1)
@maxValue(20)
param maxInstances int = 5

@allowed(['Balanced_B0', 'Balanced_B1', 'Balanced_B3', 'Balanced_B5', 'Balanced_B10', 'Balanced_B20', 'MemoryOptimized_M10', 'MemoryOptimized_M20', 'ComputeOptimized_X3', 'ComputeOptimized_X5', 'ComputeOptimized_X10'])
param redisSku string = 'Balanced_B0'

@allowed(['Free_F1', 'Standard_S1', 'Premium_P1'])
param webPubSubSku string = 'Standard_S1'

@description('Units of Web PubSub: 1,000 connections each, and about 180 updates a second. Free has one.')
@minValue(1)
@maxValue(100)
param webPubSubUnits int = 1

@allowed(['Consumption', 'Dedicated'])
param schedulerSku string = 'Consumption'

@description('Capacity units of a Dedicated scheduler, 2,000 actions a second each.')
@minValue(1)
@maxValue(3)
param schedulerCapacity int = 1

@description('Region of the chat page: a static web app is not to be had in every region.')
@allowed(['centralus', 'eastus2', 'westus2', 'westeurope', 'eastasia'])
param pageLocation string = 'westeurope'

@allowed(['Free', 'Standard'])
param pageSku string = 'Free'

@description('What a month may cost, in the currency of the subscription, before the owners of the resource group are told. 0: no budget.')
@minValue(0)
@maxValue(1000000)
param monthlyBudget int = 0

@description('The first day of the month in which the budget begins.')
param budgetStart string = utcNow('yyyy-MM-01')

@description('Days that traces and log lines are kept.')
@allowed([30, 60, 90, 120, 180, 270, 365, 550, 730])
param logDays int = 30

@description('Gigabytes of traces and log lines a day after which nothing more is taken until the next. 0: no limit.')
@minValue(0)
@maxValue(1000)
param logGigabytesPerDay int = 0

@description('Keeps a deleted key vault, and its name, from being purged for its 7 days.')
param purgeProtection bool = true

// --- Broker and Redis ----------------------------------------------------------------------------------------------

@description('amqps://user:password@host/vhost of the existing broker.')
@secure()
param rabbitMQUrl string = ''

@description('The password of the broker in Container Apps, 16 characters or more.')
@secure()
param rabbitMQPassword string = ''

param exchangeName string = 'cosmo_exchange'
param queueName string = 'cosmo_queue'
param routingKey string = 'cosmo_key'

@description('rediss://user:password@host:port/database of a Redis that is there. Empty: Azure Managed Redis is deployed, and opens to the app\'s identity alone.')
@secure()
param redisUrl string = ''

param redisPrefix string = 'cosmo:'

@description('So long a thread is kept after its last message, in seconds.')
@minValue(60)
param redisThreadExpiry int = 7776000

@description('Threads without a message for so many days are removed.')
@minValue(1)
param threadRetentionDays int = 90

@description('Histories of orchestrations that have ended are removed so many days after they began.')
@minValue(1)
param historyRetentionDays int = 7

// --- Model ---------------------------------------------------------------------------------------------------------

@description('The model, and the name of its deployment. With an existing Azure OpenAI the deployment\'s name.')
param openAIModel string = 'gpt-4o-mini'

@description('Version of the model that is deployed. Empty: Azure\'s default.')
param openAIModelVersion string = ''

@allowed(['GlobalStandard', 'DataZoneStandard', 'Standard'])
param openAIDeploymentSku string = 'GlobalStandard'

@description('Thousands of tokens a minute of the deployment.')
@minValue(1)
@maxValue(10000)
param openAICapacity int = 50

@description('https://NAME.openai.azure.com of an existing Azure OpenAI. Without openAIApiKey the app\'s identity needs the role Cognitive Services OpenAI User there.')
param azureOpenAIEndpoint string = ''

@description('Key of OpenAI, or of an existing Azure OpenAI.')
@secure()
param openAIApiKey string = ''

@description('A service that speaks as OpenAI does. Empty: OpenAI itself.')
param openAIBaseUrl string = ''

@description('A folder of profiles, relative to the app, in the place of its own Profiles.')
param profilesPath string = ''

// --- Tools ---------------------------------------------------------------------------------------------------------

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

@description('Connection string of the KMC database. One of Azure SQL without user and password lets the app\'s identity sign in.')
@secure()
param sqlConnectionString string = ''

@description('The service behind the audit log tool. Empty: the tool is not offered.')
param auditApiUrl string = ''

@description('The service behind the user role tool.')
param userRoleApiUrl string = ''

@description('The key of the two services above.')
@secure()
param toolsApiKey string = ''

@description('Settings that the files of tools name as %NAME%, such as { RATES_API_KEY: \'key\' }. The key vault keeps them.')
@secure()
param toolFileSettings object = {}

// --- Access --------------------------------------------------------------------------------------------------------

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

@description('For whom Web PubSub\'s events carry a token of its identity that the app checks: the ID URI of an Entra application. Empty: of one that azd\'s hook registers.')
param eventsAudience string = ''

@description('Web PubSub\'s events come with a key of the host in their address, and no token: for whoever may not register applications in Entra.')
param eventsByKey bool = false

@description('So many messages a user may ask in a minute. 0: no limit.')
@minValue(0)
@maxValue(10000)
param userMessagesPerMinute int = 0

@description('So many tokens a user may use in a day. 0: no limit.')
@minValue(0)
@maxValue(1000000000)
param userTokensPerDay int = 0

@description('So many addresses of channels a user gets in a minute, and strangers at one address ten times as many. 0: no limit.')
@minValue(0)
@maxValue(10000)
param negotiationsPerMinute int = 60

@description('So many events of each kind are taken over a user\'s connections in a minute, and of strangers at one address ten times as many. 0: no limit.')
@minValue(0)
@maxValue(10000)
param eventsPerMinute int = 120

@description('So many days what was used is kept.')
@minValue(1)
@maxValue(400)
param usageDays int = 90

@description('Origins of further web pages that may call the functions, comma-separated. The chat page is one of its own accord.')
param allowedOrigins string = ''

@description('Client id of an Entra app registration. When set, App Service authentication recognises signed-in users; anonymous calls still pass to the functions, which decide.')
param authClientId string = ''

@description('Further app settings by name, such as { Cosmo__Conversations__WhenBusy: \'merge\' }. What is set by hand in the portal is gone after the next deployment.')
param moreSettings object = {}

// --- Names ---------------------------------------------------------------------------------------------------------

var token = toLower(uniqueString(subscription().id, environmentName, location))
var allTags = union(tags, { 'azd-env-name': environmentName })
var hubName = 'cosmo'
var names = {
  identity: 'id-cosmo-${token}'
  workspace: 'log-cosmo-${token}'
  insights: 'appi-cosmo-${token}'
  storage: 'st${token}'
  contentStorage: 'stc${token}'
  contentShare: 'func-cosmo-${token}'
  vault: 'kv-${token}'
  redis: 'redis-cosmo-${token}'
  webPubSub: 'wps-cosmo-${token}'
  openAI: 'oai-cosmo-${token}'
  scheduler: 'dts-cosmo-${token}'
  plan: 'asp-cosmo-${token}'
  app: 'func-cosmo-${token}'
  page: 'stapp-cosmo-${token}'
  network: 'vnet-cosmo-${token}'
  containers: 'cae-cosmo-${token}'
  broker: 'ca-rabbitmq-${token}'
}
var audienceOfEvents = eventsByKey ? '' : empty(eventsAudience) ? 'api://${tenant().tenantId}/cosmo-events-${token}' : eventsAudience
var brokerHost = 'rabbitmq.cosmo.internal'
var elastic = startsWith(planSku, 'EP')
var hasNetwork = network == 'privateEndpoints' || broker == 'containerApp'
var subnets = '${subscription().id}/resourceGroups/${rg.name}/providers/Microsoft.Network/virtualNetworks/${names.network}/subnets'
var appSubnetId = hasNetwork ? '${subnets}/app' : ''
var endpointSubnetId = network == 'privateEndpoints' ? '${subnets}/endpoints' : ''

// --- Settings of the app -------------------------------------------------------------------------------------------

// Secrets by app setting. Those that are empty are left out.
var secrets = toObject(
  filter(
    items(union(toolFileSettings, {
      RABBITMQ_URL: broker == 'containerApp'
        ? 'amqp://cosmo:${uriComponent(length(rabbitMQPassword) < 16 ? fail('COSMO_RABBITMQ_PASSWORD (rabbitMQPassword) has to have 16 characters or more for the broker in Container Apps.') : rabbitMQPassword)}@${brokerHost}:5672'
        : empty(rabbitMQUrl) ? fail('COSMO_RABBITMQ_URL (rabbitMQUrl) is missing: the address of your broker, amqps://user:password@host/vhost.') : rabbitMQUrl
      REDIS_URL: redisUrl
      OPENAI_API_KEY: modelService == 'deployed' ? '' : modelService == 'key' && empty(openAIApiKey) ? fail('COSMO_OPENAI_API_KEY (openAIApiKey) is missing.') : openAIApiKey
      OPENWEATHER_API_KEY: openWeatherApiKey
      MSSQL_CONNECTION_STRING: sqlConnectionString
      X_API_KEY: toolsApiKey
      Cosmo__Access__DecisionUrl: accessDecisionUrl
    })),
    setting => !empty(setting.value)
  ),
  setting => setting.key,
  setting => setting.value
)

// The vault allows letters, digits and hyphens in the name of a secret.
var references = mapValues(
  toObject(
    concat(objectKeys(secrets), elastic ? ['WEBSITE_CONTENTAZUREFILECONNECTIONSTRING'] : []),
    setting => setting,
    setting => setting == 'WEBSITE_CONTENTAZUREFILECONNECTIONSTRING' ? 'content-share' : toLower(replace(setting, '_', '-'))
  ),
  secret => '@Microsoft.KeyVault(VaultName=${names.vault};SecretName=${secret})'
)

var optionalSettings = {
  AZURE_OPENAI_ENDPOINT: modelService == 'deployed'
    ? 'https://${names.openAI}.openai.azure.com'
    : modelService == 'existing' && empty(azureOpenAIEndpoint) ? fail('COSMO_AZURE_OPENAI_ENDPOINT (azureOpenAIEndpoint) is missing.') : modelService == 'existing' ? azureOpenAIEndpoint : ''
  OPENAI_BASE_URL: openAIBaseUrl
  PROFILES_PATH: profilesPath
  TOOLS_PATH: toolsPath
  OPENWEATHER_BASE_URL: openWeatherBaseUrl
  Cosmo__Access__Authority: accessAuthority
  Cosmo__Access__Audience: accessAudience
  AUDIT_API_URL: auditApiUrl
  USER_ROLE_API_URL: userRoleApiUrl
}

var settings = union(
  toObject(filter(items(optionalSettings), setting => !empty(setting.value)), setting => setting.key, setting => setting.value),
  {
    EXCHANGE_NAME: exchangeName
    QUEUE_NAME: queueName
    ROUTING_KEY: routingKey
    REDIS_PREFIX: redisPrefix
    REDIS_THREAD_EXPIRY: string(redisThreadExpiry)
    THREAD_RETENTION_DAYS: string(threadRetentionDays)
    HISTORY_RETENTION_DAYS: string(historyRetentionDays)
    THREAD_PRUNING_SCHEDULE: '0 0 3 * * *'
    THREAD_INDEXING_SCHEDULE: '0 30 * * * *'
    HISTORY_PURGING_SCHEDULE: '0 0 4 * * *'
    OPENAI_MODEL: openAIModel
    APPROVAL_MINUTES: string(approvalMinutes)
    WEB_PUBSUB_HUB: hubName
    CHANNEL_ACCESS: channelAccess
    CLIENT_MESSAGES: clientMessages
    USER_MESSAGES_PER_MINUTE: string(userMessagesPerMinute)
    USER_TOKENS_PER_DAY: string(userTokensPerDay)
    NEGOTIATIONS_PER_MINUTE: string(negotiationsPerMinute)
    EVENTS_PER_MINUTE: string(eventsPerMinute)
    USAGE_DAYS: string(usageDays)
    // The host's exporter keeps five traces a second otherwise. To the worker the name means nothing, and it keeps all.
    OTEL_TRACES_SAMPLER: 'microsoft.fixed_percentage'
    OTEL_TRACES_SAMPLER_ARG: '1'
  },
  moreSettings
)

// --- Resources -----------------------------------------------------------------------------------------------------

resource rg 'Microsoft.Resources/resourceGroups@2024-11-01' = {
  name: empty(resourceGroupName) ? 'rg-${environmentName}' : resourceGroupName
  location: location
  tags: allTags
}

module identity 'modules/identity.bicep' = {
  scope: rg
  params: { name: names.identity, location: location, tags: allTags }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: rg
  params: {
    workspaceName: names.workspace
    insightsName: names.insights
    location: location
    tags: allTags
    retentionDays: logDays
    dailyGigabytes: logGigabytesPerDay
    principalId: identity.outputs.principalId
  }
}

module alerts 'modules/alerts.bicep' = {
  scope: rg
  params: { location: location, tags: allTags, insightsId: monitoring.outputs.insightsId }
}

module virtualNetwork 'modules/network.bicep' = if (hasNetwork) {
  scope: rg
  params: { name: names.network, location: location, tags: allTags }
}

module storage 'modules/storage.bicep' = {
  scope: rg
  params: {
    name: names.storage
    location: location
    tags: allTags
    principalId: identity.outputs.principalId
    endpointSubnetId: endpointSubnetId
  }
  dependsOn: [virtualNetwork]
}

module vault 'modules/key-vault.bicep' = {
  scope: rg
  params: {
    name: names.vault
    location: location
    tags: allTags
    principalId: identity.outputs.principalId
    endpointSubnetId: endpointSubnetId
    purgeProtection: purgeProtection
    secrets: toObject(items(secrets), setting => toLower(replace(setting.key, '_', '-')), setting => setting.value)
  }
  dependsOn: [virtualNetwork]
}

module contentShare 'modules/content-share.bicep' = if (elastic) {
  scope: rg
  params: {
    name: names.contentStorage
    shareName: names.contentShare
    location: location
    tags: allTags
    vaultName: names.vault
    endpointSubnetId: endpointSubnetId
  }
  dependsOn: [virtualNetwork, vault]
}

module redis 'modules/redis.bicep' = if (empty(redisUrl)) {
  scope: rg
  params: {
    name: names.redis
    location: location
    tags: allTags
    sku: redisSku
    principalId: identity.outputs.principalId
    endpointSubnetId: endpointSubnetId
  }
  dependsOn: [virtualNetwork]
}

module webPubSub 'modules/web-pubsub.bicep' = {
  scope: rg
  params: {
    name: names.webPubSub
    location: location
    tags: allTags
    sku: webPubSubSku
    units: webPubSubUnits
    principalId: identity.outputs.principalId
    endpointSubnetId: endpointSubnetId
  }
  dependsOn: [virtualNetwork]
}

module openAI 'modules/openai.bicep' = if (modelService == 'deployed') {
  scope: rg
  params: {
    name: names.openAI
    location: location
    tags: allTags
    model: openAIModel
    modelVersion: openAIModelVersion
    deploymentSku: openAIDeploymentSku
    capacity: openAICapacity
    principalId: identity.outputs.principalId
    endpointSubnetId: endpointSubnetId
  }
  dependsOn: [virtualNetwork]
}

module scheduler 'modules/durable-task-scheduler.bicep' = if (durableStore == 'durableTaskScheduler') {
  scope: rg
  params: {
    name: names.scheduler
    taskHubName: hubName
    location: location
    tags: allTags
    sku: schedulerSku
    capacity: schedulerCapacity
    principalId: identity.outputs.principalId
    endpointSubnetId: endpointSubnetId
  }
  dependsOn: [virtualNetwork]
}

module rabbitMQ 'modules/rabbitmq.bicep' = if (broker == 'containerApp') {
  scope: rg
  params: {
    environmentName: names.containers
    name: names.broker
    location: location
    tags: allTags
    subnetId: '${subnets}/broker'
    workspaceName: names.workspace
    host: brokerHost
    password: rabbitMQPassword
  }
  dependsOn: [virtualNetwork, monitoring]
}

module page 'modules/page.bicep' = {
  scope: rg
  params: { name: names.page, location: pageLocation, tags: allTags, sku: pageSku }
}

module app 'modules/app.bicep' = {
  scope: rg
  params: {
    name: names.app
    planName: names.plan
    location: location
    tags: allTags
    planSku: planSku
    instances: instances
    maxInstances: max(instances, maxInstances)
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    subnetId: appSubnetId
    corsOrigins: concat([page.outputs.url], empty(allowedOrigins) ? [] : map(split(allowedOrigins, ','), origin => trim(origin)))
    authClientId: authClientId
    storageName: names.storage
    contentShare: elastic ? names.contentShare : ''
    references: references
    settings: union(
      settings,
      {
        APPLICATIONINSIGHTS_CONNECTION_STRING: monitoring.outputs.connectionString
        APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD;ClientId=${identity.outputs.clientId}'
        WEB_PUBSUB_ENDPOINT: webPubSub.outputs.endpoint
      },
      empty(redisUrl) ? { REDIS_URL: redis!.outputs.url, Cosmo__Redis__EntraObjectId: identity.outputs.principalId } : {},
      empty(audienceOfEvents)
        ? {}
        : {
            Cosmo__Access__Events__Authority: '${environment().authentication.loginEndpoint}${tenant().tenantId}'
            Cosmo__Access__Events__Audience: audienceOfEvents
            Cosmo__Access__Events__Identity: webPubSub.outputs.principalId
          },
      durableStore == 'durableTaskScheduler'
        ? {
            DURABLE_TASK_SCHEDULER_CONNECTION_STRING: 'Endpoint=${scheduler!.outputs.endpoint};Authentication=ManagedIdentity;ClientID=${identity.outputs.clientId}'
            AzureFunctionsJobHost__extensions__durableTask__hubName: hubName
            AzureFunctionsJobHost__extensions__durableTask__storageProvider__type: 'azureManaged'
            AzureFunctionsJobHost__extensions__durableTask__storageProvider__connectionStringName: 'DURABLE_TASK_SCHEDULER_CONNECTION_STRING'
          }
        : {}
    )
  }
  // A Key Vault reference that cannot be read yet stays broken until the next restart, and the rights have to be there before the app is.
  dependsOn: [virtualNetwork, storage, vault, contentShare, openAI, rabbitMQ]
}

module budget 'modules/budget.bicep' = if (monthlyBudget > 0) {
  scope: rg
  params: { amount: monthlyBudget, startDate: budgetStart }
}

// --- What the next step needs --------------------------------------------------------------------------------------

output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = rg.name
output AZURE_FUNCTION_APP_NAME string = app.outputs.name
output AZURE_WEB_PUBSUB_NAME string = names.webPubSub
output AZURE_EVENTS_AUDIENCE string = audienceOfEvents
output AZURE_KEY_VAULT_NAME string = names.vault
output COSMO_IDENTITY_NAME string = names.identity
output COSMO_URL string = app.outputs.url
output COSMO_PAGE_URL string = page.outputs.url
output COSMO_WEB_PUBSUB_ENDPOINT string = webPubSub.outputs.endpoint
