// For deployments without azd, and for what main.parameters.json cannot say (tags, toolFileSettings, moreSettings). Copy it to main.bicepparam, which is not
// committed and which azd takes in the place of main.parameters.json, and fill it in. Secrets come from the environment of the one who deploys.
using './main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'cosmo')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param tags = { owner: 'assistants' }

param broker = 'existing'
param rabbitMQUrl = readEnvironmentVariable('COSMO_RABBITMQ_URL')

param modelService = 'key'
param openAIApiKey = readEnvironmentVariable('COSMO_OPENAI_API_KEY')
param openAIModel = 'gpt-4o-mini'

param openWeatherApiKey = readEnvironmentVariable('COSMO_OPENWEATHER_API_KEY', '')
param sqlConnectionString = readEnvironmentVariable('COSMO_MSSQL_CONNECTION_STRING', '')
param auditApiUrl = ''
param userRoleApiUrl = ''
param toolsApiKey = readEnvironmentVariable('COSMO_X_API_KEY', '')
param toolFileSettings = { RATES_API_KEY: readEnvironmentVariable('COSMO_RATES_API_KEY', '') }

param channelAccess = 'owner'
param allowedOrigins = 'https://www.example.com'
param moreSettings = { Cosmo__Conversations__WhenBusy: 'merge' }
