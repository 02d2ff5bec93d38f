# What connect-web-pubsub.sh does, on Windows.
Set-Location (Join-Path $PSScriptRoot '..')

for ($attempt = 1; $attempt -le 10; $attempt++) {
  az deployment group create --name event-handler --output none `
    --subscription $env:AZURE_SUBSCRIPTION_ID --resource-group $env:AZURE_RESOURCE_GROUP --template-file modules/event-handler.bicep `
    --parameters "webPubSubName=$env:AZURE_WEB_PUBSUB_NAME" "functionAppName=$env:AZURE_FUNCTION_APP_NAME" "audience=$env:COSMO_EVENTS_AUDIENCE"
  if ($LASTEXITCODE -eq 0) { exit 0 }
  Start-Sleep -Seconds 20
}

[Console]::Error.WriteLine('Web PubSub is not connected: messages and cancellations from browsers do not arrive. Everything else works; run this again: infra/hooks/connect-web-pubsub.ps1')
exit 1
