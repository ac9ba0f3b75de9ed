import { replay } from '../../src/checks/replay.ts'
import { signature } from '../../src/checks/signature.ts'
import type { AuditRecord } from '../../src/observe/audit.ts'
import { createMetrics, type Metrics } from '../../src/observe/metrics.ts'
import { auditLine } from '../../src/observe/recorder.ts'
import { pipelineDenials } from '../../src/pipeline/denials.ts'
import { code, fenced, table } from './markdown.ts'

const AT = Date.parse('2026-11-24T10:15:00.042Z')

const FORWARDED: AuditRecord = {
  requestId: '01KAV3T1JA7Q0VX3B9M4Z8W2CE',
  listener: 'public',
  route: 'github',
  method: 'POST',
  path: '/hooks/github',
  source: '192.0.2.7',
  outcome: 'forwarded',
  code: undefined,
  status: 200,
  principal: 'github',
  keyName: 'current',
  eventId: '72d3162e-cc78-11e3-81ab-4c9367dc0958',
  evidence: undefined,
  remedy: undefined,
  bytesIn: 7310,
  bytesOut: 11,
  totalMs: 4.718,
  upstreamMs: 4.102,
}
const NOBODY = { principal: undefined, keyName: undefined, eventId: undefined, upstreamMs: 0 }

const REPORTED: AuditRecord = {
  ...FORWARDED,
  wouldRefuse: [{ check: 'schema', code: 'schema.invalid', evidence: { path: '/repository' }, by: 4 }],
}

const SAMPLES: readonly AuditRecord[] = [
  FORWARDED,
  REPORTED,
  {
    ...FORWARDED,
    status: 401,
    evidence: { 'asks-for': ['Bearer'], error: 'invalid_token' },
    remedy: `sallyport explain ${FORWARDED.requestId}`,
    bytesOut: 42,
  },
  { ...FORWARDED, outcome: 'duplicate', bytesOut: 0, totalMs: 0.402, upstreamMs: 0 },
  {
    ...FORWARDED,
    ...NOBODY,
    outcome: 'refused',
    code: 'signature.mismatch',
    status: 401,
    evidence: { scheme: 'github', header: 'X-Hub-Signature-256', 'secrets-tried': ['current'], 'body-bytes': 7310 },
    remedy: signature.denials['signature.mismatch'].remedy,
    bytesOut: 154,
    totalMs: 0.377,
  },
  {
    ...FORWARDED,
    ...NOBODY,
    route: undefined,
    path: '/hooks/githb',
    outcome: 'refused',
    code: 'route.none',
    status: 404,
    evidence: {
      host: 'hooks.example.com',
      path: '/hooks/githb',
      'nearest-route': 'github',
      differs: 'the route is /hooks/github',
    },
    remedy: pipelineDenials['route.none'].remedy,
    bytesIn: 0,
    bytesOut: 137,
    totalMs: 0.188,
  },
  {
    ...FORWARDED,
    outcome: 'refused',
    code: 'replay.in-flight',
    status: 409,
    evidence: { 'known-by': 'event id' },
    remedy: replay.denials['replay.in-flight'].remedy,
    bytesOut: 158,
    totalMs: 0.41,
    upstreamMs: 0,
  },
  {
    ...FORWARDED,
    outcome: 'failed',
    code: 'forward.unreachable',
    status: 502,
    evidence: { said: 'ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:3000' },
    remedy: pipelineDenials['forward.unreachable'].remedy,
    bytesOut: 150,
    totalMs: 1.96,
    upstreamMs: 1.51,
  },
]

export function logLines(): string {
  return fenced('json', SAMPLES.map(record => auditLine(record, AT)).join(''))
}

/** Name, kind, labels and meaning of every metric, as `/metrics` itself says them. */
export async function metricTable(): Promise<string> {
  const text = await everyMetric().render()
  const rows = [...text.matchAll(/^# HELP (\S+) (.+)\n# TYPE \S+ (\S+)$/gm)].map(
    ([, name = '', help = '', kind = '']) => [code(name), kind, labelsOf(text, name), help],
  )
  return table(['metric', 'kind', 'labels', 'what it tells'], rows)
}

/** Those of a gate of which each metric has something to tell. */
function everyMetric(): Metrics {
  const metrics = createMetrics({ version: '' })
  metrics.setRoutes([{ name: 'r', online: true }])
  metrics.setListeners(['l'])
  metrics.listener('l')
  metrics.watchExpiries(() => [{ kind: 'secret', name: 'n', seconds: 1, lifetime: 1 }])
  metrics.watchRemotes(() => [{ document: 'd', fetched: 0, unchanged: 0, failed: 0, ageMs: 0 }])
  metrics.watchAcme(() => [{ name: 'n', obtained: 0, failed: 0, held: true }])
  const tokens = { fetched: 0, failed: 0 }
  metrics.watchBridges(() => [{ route: 'r', waiting: 0, retries: 0, breaker: 'closed', tokens }])
  const counts = { delivered: 0, retried: 0, failed: 0, dropped: 0 }
  metrics.watchAlerts(() => ({ receivers: [{ name: 't', waiting: 0, counts }], active: new Map([['refused', 1]]) }))
  const sent = { exported: 0, failed: 0, dropped: 0 }
  metrics.watchTelemetry(() => ({ spans: sent, metrics: sent, trouble: {} }))
  metrics.record({ ...REPORTED, route: 'r' })
  return metrics
}

function labelsOf(text: string, name: string): string {
  const sample = new RegExp(`^${name}(?:_bucket)?(?:\\{([^}]*)\\})? `, 'm').exec(text)
  if (sample === null) throw new Error(`${name} tells nothing here: give everyMetric() something for it to tell`)
  const labels = [...(sample[1] ?? '').matchAll(/([a-z]+)="/g)]
    .map(match => match[1] ?? '')
    .filter(label => label !== 'le')
  return labels.map(code).join(', ')
}
