// Tells the owners of the resource group when a month costs, or will cost, more than was meant. It stops nothing.

@description('In the currency of the subscription.')
param amount int

@description('The first day of a month.')
param startDate string

resource budget 'Microsoft.Consumption/budgets@2024-08-01' = {
  name: 'monthly'
  properties: {
    category: 'Cost'
    amount: amount
    timeGrain: 'Monthly'
    timePeriod: { startDate: startDate }
    notifications: {
      spent: { enabled: true, operator: 'GreaterThan', threshold: 80, thresholdType: 'Actual', contactEmails: [], contactRoles: ['Owner'] }
      forecast: { enabled: true, operator: 'GreaterThan', threshold: 100, thresholdType: 'Forecasted', contactEmails: [], contactRoles: ['Owner'] }
    }
  }
}
