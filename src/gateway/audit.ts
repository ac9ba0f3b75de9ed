import { answerClues } from '../forward/answer-clues.ts'
import type { AuditRecord } from '../observe/audit.ts'
import { pipelineDenials } from '../pipeline/denials.ts'
import type { Result } from '../pipeline/handle.ts'

interface Ended {
  readonly id: string
  readonly listener: string
  readonly method: string
  readonly path: string
  readonly source: string
  readonly result: Result
  readonly status: number
  readonly bytesIn: number
  readonly bodyless?: boolean
  readonly bytesOut: number
  readonly totalMs: number
  /** It is kept, so that it can be explained. */
  readonly captured?: boolean
}

/** The audit record of a request that has ended. */
export function auditOf(ended: Ended): AuditRecord {
  const { route, walk, stop, answer, upstreamMs } = ended.result
  const facts = walk?.facts
  let outcome: AuditRecord['outcome'] = 'forwarded'
  let code: string | undefined
  let evidence: AuditRecord['evidence']
  let remedy: string | undefined
  if (stop?.kind === 'reply') outcome = stop.reply.reason === 'duplicate' ? 'duplicate' : 'replied'
  else if (stop) {
    outcome = stop.code === 'gateway.fault' ? 'failed' : 'refused'
    code = stop.code
    evidence = stop.evidence
    remedy = stop.spec.remedy
  } else if (answer && !answer.ok) {
    outcome = 'failed'
    code = answer.code
    evidence = { said: answer.message, ...answer.evidence }
    remedy = pipelineDenials[answer.code].remedy
  } else if (answer && answer.status >= 400) {
    evidence = answerClues(answer)
    remedy = ended.captured === true ? `sallyport explain ${ended.id}` : undefined
  }
  // What the code alone says is in the reference; what this request says is more.
  if (ended.captured === true && remedy !== undefined) remedy = `sallyport explain ${ended.id}`
  return {
    requestId: ended.id,
    listener: ended.listener,
    route: route?.name,
    method: ended.method,
    path: ended.path,
    source: ended.source,
    outcome,
    code,
    status: ended.status,
    principal: facts?.principal,
    keyName: facts?.keyName,
    eventId: facts?.eventId,
    evidence,
    remedy,
    wouldRefuse: walk?.wouldRefuse,
    bytesIn: ended.bytesIn,
    bodyless: ended.bodyless ?? false,
    bytesOut: ended.bytesOut,
    totalMs: ended.totalMs,
    upstreamMs,
    attempts: answer?.trail?.attempts,
    queuedMs: answer?.trail?.queuedMs,
  }
}
