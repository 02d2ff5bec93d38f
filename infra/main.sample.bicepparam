// Copy to main.bicepparam, which is not committed, and fill in. Secrets come from the environment of the one who deploys.
using './main.bicep'

param name = 'cosmo'
param rabbitMQUrl = readEnvironmentVariable('RABBITMQ_URL')
param openAIApiKey = readEnvironmentVariable('OPENAI_API_KEY', '')
param openAIModel = 'gpt-4o-mini'
param openWeatherApiKey = readEnvironmentVariable('OPENWEATHER_API_KEY', '')
param sqlConnectionString = readEnvironmentVariable('MSSQL_CONNECTION_STRING', '')
param auditApiUrl = ''
param userRoleApiUrl = ''
param toolsApiKey = readEnvironmentVariable('X_API_KEY', '')
param allowedOrigins = ['https://www.example.com']
