// The chat page, a static site. azd builds Cosmo.Client/page and finds the site by its tag.

param name string
param location string
param tags object

@allowed(['Free', 'Standard'])
param sku string

resource page 'Microsoft.Web/staticSites@2024-04-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'page' })
  sku: { name: sku, tier: sku }
  properties: {
    allowConfigFileUpdates: true
    stagingEnvironmentPolicy: 'Disabled'
  }
}

output url string = 'https://${page.properties.defaultHostname}'
