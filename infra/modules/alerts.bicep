// The alert rules and the workbook of infra/dashboards/. Whoever owns the resource group is told. Each rule has a page in docs/runbooks/.

param location string
param tags object

@description('The resource id of Application Insights.')
param insightsId string

var alerts = loadJsonContent('../dashboards/azure-alerts.json')

// The role Owner has this id in every tenant.
resource owners 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'cosmo-owners'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'cosmo'
    enabled: true
    armRoleReceivers: [{ name: 'owners', roleId: '8e3af657-a8ff-443c-a75c-2fe8c4bcb635', useCommonAlertSchema: true }]
  }
}

resource rules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for alert in alerts: {
    name: alert.name
    location: location
    tags: tags
    properties: {
      displayName: alert.name
      description: '${alert.description} What to do: ${alert.runbook}'
      severity: alert.severity
      enabled: true
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      scopes: [insightsId]
      autoMitigate: true
      actions: { actionGroups: [owners.id] }
      criteria: {
        allOf: [
          {
            query: alert.query
            metricMeasureColumn: 'value'
            timeAggregation: 'Maximum'
            operator: 'GreaterThan'
            threshold: json(alert.threshold)
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
    }
  }
]

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'cosmo')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Cosmo'
    category: 'workbook'
    sourceId: insightsId
    serializedData: loadTextContent('../dashboards/workbook.json')
  }
}
