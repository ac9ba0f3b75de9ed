import type { AuditRecord } from '../../src/observe/audit.ts'

/** A forwarded request's record, changed where a test needs it. */
export function auditRecord(changes: Partial<AuditRecord> = {}): AuditRecord {
  return {
    requestId: '01KAR5ABCDEFGHJKMNPQRSTVWX',
    listener: 'public',
    route: 'github',
    method: 'POST',
    path: '/hooks/github',
    source: '198.51.100.7',
    outcome: 'forwarded',
    code: undefined,
    status: 200,
    principal: 'github',
    keyName: 'current',
    eventId: 'evt-1',
    evidence: undefined,
    remedy: undefined,
    bytesIn: 1024,
    bytesOut: 17,
    totalMs: 3.0421,
    upstreamMs: 2,
    ...changes,
  }
}
