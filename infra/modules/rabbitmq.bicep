// RabbitMQ in Container Apps, for those who have no broker and want to see Cosmo run: one node, without a volume. A new revision, a crash or a move of the
// container loses what is queued. It is no broker for production. It is reached from the virtual network only, without TLS.

param environmentName string
param name string
param location string
param tags object
param subnetId string
param workspaceName string

@description('The name under which it is found in the virtual network, and the zone of that name.')
param host string

@secure()
param password string

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: workspaceName
}

resource environment 'Microsoft.App/managedEnvironments@2024-03-01' = {
  name: environmentName
  location: location
  tags: tags
  properties: {
    vnetConfiguration: { internal: true, infrastructureSubnetId: subnetId }
    workloadProfiles: [{ name: 'Consumption', workloadProfileType: 'Consumption' }]
    appLogsConfiguration: { destination: 'azure-monitor' }
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: environment
  name: 'workspace'
  properties: {
    workspaceId: workspace.id
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
  }
}

resource broker 'Microsoft.App/containerApps@2024-03-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    environmentId: environment.id
    workloadProfileName: 'Consumption'
    configuration: {
      secrets: [{ name: 'password', value: password }]
      ingress: { external: true, transport: 'tcp', targetPort: 5672, exposedPort: 5672 }
    }
    template: {
      containers: [
        {
          name: 'rabbitmq'
          image: 'docker.io/library/rabbitmq:4'
          resources: { cpu: 1, memory: '2Gi' }
          env: [
            { name: 'RABBITMQ_DEFAULT_USER', value: 'cosmo' }
            { name: 'RABBITMQ_DEFAULT_PASS', secretRef: 'password' }
          ]
        }
      ]
      scale: { minReplicas: 1, maxReplicas: 1 }
    }
  }
}

// A TCP port is told apart by its number alone, so any name that leads to the environment's address will do, and this one is known beforehand.
resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = {
  name: host
  location: 'global'
  tags: tags

  resource address 'A' = {
    name: '@'
    properties: { ttl: 300, aRecords: [{ ipv4Address: environment.properties.staticIp }] }
  }

  resource link 'virtualNetworkLinks' = {
    name: name
    location: 'global'
    properties: {
      registrationEnabled: false
      virtualNetwork: { id: split(subnetId, '/subnets/')[0] }
    }
  }
}
