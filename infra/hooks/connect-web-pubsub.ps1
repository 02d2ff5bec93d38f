# What connect-web-pubsub.sh does, on Windows.
Set-Location (Join-Path $PSScriptRoot '..')

function Register($audience) {
  az ad app show --id $audience --output none 2>$null
  if ($LASTEXITCODE -ne 0) {
    az ad app create --display-name "Cosmo's events ($env:AZURE_ENV_NAME)" --identifier-uris $audience --sign-in-audience AzureADMyOrg --output none
    if ($LASTEXITCODE -ne 0) { return $false }
  }
  az ad sp show --id $audience --output none 2>$null
  if ($LASTEXITCODE -ne 0) { az ad sp create --id $audience --output none }
  return $LASTEXITCODE -eq 0
}

for ($attempt = 1; $attempt -le 10; $attempt++) {
  $audience = $env:AZURE_EVENTS_AUDIENCE
  $key = ''
  if ($audience) {
    $ready = Register $audience
  } else {
    $key = az functionapp keys list --subscription $env:AZURE_SUBSCRIPTION_ID --resource-group $env:AZURE_RESOURCE_GROUP --name $env:AZURE_FUNCTION_APP_NAME --query functionKeys.default --output tsv
    $ready = [bool]$key
  }
  if ($ready) {
    az deployment group create --name event-handler --output none `
      --subscription $env:AZURE_SUBSCRIPTION_ID --resource-group $env:AZURE_RESOURCE_GROUP --template-file modules/event-handler.bicep `
      --parameters "webPubSubName=$env:AZURE_WEB_PUBSUB_NAME" "functionAppName=$env:AZURE_FUNCTION_APP_NAME" "audience=$audience" "functionKey=$key"
    if ($LASTEXITCODE -eq 0) { exit 0 }
  }
  Start-Sleep -Seconds 20
}

[Console]::Error.WriteLine('Web PubSub is not connected: messages and cancellations from browsers do not arrive. Everything else works; run this again: azd hooks run postdeploy --service functions. Who may not register applications in Entra sets COSMO_EVENTS_BY_KEY (docs/azure.md).')
exit 1
