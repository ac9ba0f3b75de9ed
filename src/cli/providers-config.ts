import { challenges } from '../signing/challenges/index.ts'
import type { Provider, UnsignedService } from '../signing/provider.ts'

/** The environment variable that examples read a provider's secret or public key from: `GITHUB_SECRET`. */
export function variableOf(provider: Provider): string {
  const name = provider.id.toUpperCase().replaceAll('-', '_')
  if (provider.secret === undefined) return `${name}_PUBLIC_KEY`
  return `${name}_${provider.scheme.kind === 'token' ? 'TOKEN' : 'SECRET'}`
}

/** A route for the provider, as one entry under `routes:`; YAML, two spaces deep. */
export function routeConfig(provider: Provider | UnsignedService): string {
  const { id, accept = ['json'] } = provider
  const networks = 'instead' in provider ? undefined : provider.networks
  const checks = [
    ...(networks ? [`source-ip: { allow: ["provider:${id}"] }`] : []),
    ...('instead' in provider ? provider.instead.checks : []),
    `content-type: { accept: [${accept.join(', ')}] }`,
    ...('instead' in provider
      ? (provider.instead.bodyChecks ?? [])
      : [`signature: { ${settingsOf(provider).join(', ')} }`]),
    ...(challenges.get(id)?.kind === 'signed' ? ['challenge: {}'] : []),
    ...('instead' in provider && provider.repeats ? [] : ['replay: {}']),
  ]
  const pass = provider.passHeaders ? `, pass-headers: [${provider.passHeaders.join(', ')}]` : ''
  return [
    `  - name: ${id}`,
    `    match: { path: /hooks/${id} }`,
    '    checks:',
    ...checks.map(check => `      - ${check}`),
    `    forward: { to: "http://127.0.0.1:3000/${id}"${pass} }`,
    '',
  ].join('\n')
}

function settingsOf(provider: Provider): string[] {
  const { id, secret, publicKey, settings } = provider
  const own = Object.entries(settings?.example ?? {}).map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
  const keys = secret || publicKey ? [`${secret ? 'secrets' : 'keys'}: [{ env: ${variableOf(provider)} }]`] : []
  return [`provider: ${id}`, ...own, ...keys]
}
