import { challenges } from '../signing/challenges/index.ts'
import type { Provider } from '../signing/provider.ts'

/** The environment variable that examples read a provider's secret from: `GITHUB_SECRET`. */
export function variableOf(provider: Provider): string {
  const kind = provider.scheme.kind === 'token' ? 'TOKEN' : 'SECRET'
  return `${provider.id.toUpperCase().replaceAll('-', '_')}_${kind}`
}

/** A route for the provider, as one entry under `routes:`; YAML, two spaces deep. */
export function routeConfig(provider: Provider): string {
  const { id, networks, accept = ['json'] } = provider
  const checks = [
    ...(networks ? [`source-ip: { allow: ["provider:${id}"] }`] : []),
    `content-type: { accept: [${accept.join(', ')}] }`,
    `signature: { provider: ${id}, secrets: [{ env: ${variableOf(provider)} }] }`,
    ...(challenges.get(id)?.kind === 'signed' ? ['challenge: {}'] : []),
    'replay: {}',
  ]
  return [
    `  - name: ${id}`,
    `    match: { path: /hooks/${id} }`,
    '    checks:',
    ...checks.map(check => `      - ${check}`),
    `    forward: { to: "http://127.0.0.1:3000/${id}" }`,
    '',
  ].join('\n')
}
