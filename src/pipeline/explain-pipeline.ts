import type { Evidence, EvidenceValue } from '../core/decision.ts'
import type { Finding } from '../core/finding.ts'

/** What the evidence of a refusal says that no check made: causes for programs, and what mends them. */
export function explainPipeline(code: string, evidence: Evidence = {}): readonly Finding[] {
  return READERS[code]?.(evidence) ?? []
}

const text = (value: EvidenceValue | undefined): string => (typeof value === 'string' ? value : String(value ?? ''))

function found(cause: string, because: string, mend: string, certainty: Finding['certainty'] = 'proven'): Finding[] {
  return because === '' ? [] : [{ level: 'fail', cause, certainty, because, mend }]
}

const READERS: Readonly<Record<string, (evidence: Evidence) => Finding[]>> = {
  'route.none': evidence => {
    const nearest = evidence['nearest-route']
    if (nearest === undefined) return []
    const mend = `Mend the URL in the sender, or match of the route ${text(nearest)}.`
    return found('route.nearest', `the nearest route is ${text(nearest)}: ${text(evidence.differs)}`, mend, 'likely')
  },
  'route.method': ({ method, allowed }) =>
    found(
      'route.method-other',
      `it is ${text(method)}, and the routes of this path take ${Array.isArray(allowed) ? allowed.join(', ') : text(allowed)}`,
      `Let the sender use one of them, or add ${text(method)} to match.methods.`,
    ),
  'route.offline': ({ missing, mend }) => found('route.missing-resource', text(missing), text(mend)),
  'request.misdirected': evidence =>
    found(
      'request.server-name',
      `TLS was opened for ${text(evidence['server-name'])}, and Host says ${text(evidence.host)}`,
      'Let whoever opens the TLS connection ask for the name that stands in Host, or for none.',
    ),
  'request.malformed': ({ rule, parser }) =>
    found(
      'request.rule',
      text(rule ?? (parser === undefined ? undefined : `the parser stopped with ${text(parser)}`)),
      'Look for a client, or a proxy between, that writes HTTP by hand.',
    ),
  'request.handshake': ({ handshake, mend }) => found('request.handshake-failed', text(handshake), text(mend ?? '')),
  'request.proxy-header': ({ rule }) =>
    found('request.proxy-header-rule', text(rule), 'Switch the PROXY protocol on in the load balancer, or off here.'),
  'body.malformed': evidence =>
    found(
      'body.fault',
      `read as ${text(evidence['read-as'])}: ${text(evidence.fault)}`,
      'Let the sender write what its Content-Type says.',
    ),
  'body.coding': ({ coding, fault }) =>
    found(
      'body.coding-fault',
      `Content-Encoding says ${text(coding)}, and the body is ${text(fault)}`,
      'Look for a proxy that decompresses the body and leaves the field.',
    ),
}
