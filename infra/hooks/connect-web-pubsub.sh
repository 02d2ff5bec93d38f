#!/bin/sh
# Has Web PubSub give its events to the app, each with a token of its identity that the app checks, or, with COSMO_EVENTS_BY_KEY, with a key of the host. Entra and the host
# need some seconds until they know of a new application or have a key, so this tries for a few minutes.
set -eu
cd "$(dirname "$0")/.."

# The application in Entra that the tokens are made out for.
register() {
  az ad app show --id "$1" --output none 2>/dev/null ||
    az ad app create --display-name "Cosmo's events ($AZURE_ENV_NAME)" --identifier-uris "$1" --sign-in-audience AzureADMyOrg --output none || return 1
  az ad sp show --id "$1" --output none 2>/dev/null || az ad sp create --id "$1" --output none
}

connect() {
  audience=${AZURE_EVENTS_AUDIENCE:-} key=
  if [ -n "$audience" ]; then
    register "$audience" || return 1
  else
    key=$(az functionapp keys list --subscription "$AZURE_SUBSCRIPTION_ID" --resource-group "$AZURE_RESOURCE_GROUP" --name "$AZURE_FUNCTION_APP_NAME" --query functionKeys.default --output tsv) || return 1
    [ -n "$key" ] || return 1
  fi

  az deployment group create --name event-handler --output none \
    --subscription "$AZURE_SUBSCRIPTION_ID" --resource-group "$AZURE_RESOURCE_GROUP" --template-file modules/event-handler.bicep \
    --parameters "webPubSubName=$AZURE_WEB_PUBSUB_NAME" "functionAppName=$AZURE_FUNCTION_APP_NAME" "audience=$audience" "functionKey=$key"
}

attempt=1
until connect; do
  if [ "$attempt" -ge 10 ]; then
    echo "Web PubSub is not connected: messages and cancellations from browsers do not arrive. Everything else works; run this again: azd hooks run postdeploy --service functions. Who may not register applications in Entra sets COSMO_EVENTS_BY_KEY (docs/azure.md)." >&2
    exit 1
  fi
  attempt=$((attempt + 1))
  sleep "${COSMO_RETRY_SECONDS:-20}"
done
