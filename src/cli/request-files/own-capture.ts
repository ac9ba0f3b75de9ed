import { z } from 'zod'
import type { EvidenceValue } from '../../core/decision.ts'
import { type FileRequest, fileFault } from './file-request.ts'

const MASKED = '(masked)'

const evidenceValue: z.ZodType<EvidenceValue> = z.lazy(() =>
  z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(evidenceValue)]),
)

/** As the gate writes a capture: see `MaskedCapture` of gateway/. */
const capture = z.object({
  id: z.string(),
  time: z.string(),
  listener: z.string(),
  code: z.string(),
  status: z.number(),
  evidence: z.record(z.string(), evidenceValue).nullish(),
  source: z.string(),
  peer: z.string().nullish(),
  encrypted: z.boolean(),
  'server-name': z.string().nullish(),
  method: z.string(),
  target: z.string(),
  headers: z.array(z.tuple([z.string(), z.string()])),
  'client-certificates': z.array(z.string()).default([]),
  body: z.object({ bytes: z.number(), cut: z.boolean(), text: z.string().nullish() }),
})

export const isCapture = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'listener' in value && 'target' in value && 'headers' in value

/** A capture that was downloaded from the gate. What it masks can't be tried again, so its own refusal counts. @throws VerbFault */
export function readCapture(value: unknown): FileRequest {
  const read = capture.safeParse(value)
  if (!read.success) {
    const [issue] = read.error.issues
    throw fileFault(
      `it is no capture of the gate: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trimEnd(),
      'download it again: sallyport explain REQUEST-ID --capture',
    )
  }
  const { time, listener, code, status, evidence, source, peer, encrypted, method, target, headers, body } = read.data
  const masked = JSON.stringify([target, headers, body.text ?? '']).includes(MASKED)
  const cut = body.cut || (body.text ?? null) === null || masked
  return {
    label: `${method} ${target.replace(/\?.*$/s, '')}, answered ${status}`,
    method,
    target,
    encrypted,
    headers,
    body: Buffer.from(body.text ?? ''),
    cut,
    masked,
    receivedAt: Date.parse(time),
    source,
    peer: peer ?? undefined,
    listener,
    serverName: read.data['server-name'] ?? undefined,
    clientCertificates: read.data['client-certificates'].map(der => Buffer.from(der, 'base64')),
    status,
    ...(masked && code !== '' ? { refusal: { code, status, evidence: evidence ?? undefined } } : {}),
    limits: masked
      ? ['The file masks credentials, so no near misses of them can be tried: ask the running gate by the request id.']
      : [],
  }
}
