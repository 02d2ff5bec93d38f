#!/bin/sh
# Has Web PubSub give its events to the app, with a key of the host. The host has it some seconds after its first start, so this tries for a few minutes.
set -eu
cd "$(dirname "$0")/.."

attempt=1
until az deployment group create --name event-handler --output none \
  --subscription "$AZURE_SUBSCRIPTION_ID" --resource-group "$AZURE_RESOURCE_GROUP" --template-file modules/event-handler.bicep \
  --parameters "webPubSubName=$AZURE_WEB_PUBSUB_NAME" "functionAppName=$AZURE_FUNCTION_APP_NAME" "audience=${COSMO_EVENTS_AUDIENCE:-}"; do
  if [ "$attempt" -ge 10 ]; then
    echo "Web PubSub is not connected: messages and cancellations from browsers do not arrive. Everything else works; run this again: infra/hooks/connect-web-pubsub.sh" >&2
    exit 1
  fi
  attempt=$((attempt + 1))
  sleep "${COSMO_RETRY_SECONDS:-20}"
done
