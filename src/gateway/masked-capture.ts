import { isCut } from '../core/captured.ts'
import { MASKED } from '../core/credential-name.ts'
import type { Evidence } from '../core/decision.ts'
import { checkJson } from '../core/json.ts'
import { isJson, parseMediaType } from '../core/media-type.ts'
import { itemsOf, membersOf } from '../forward/json-spans.ts'
import type { AuditRecord } from '../observe/audit.ts'
import type { Capture } from '../observe/captures.ts'
import type { Masks } from './capture-masks.ts'

/** A capture as it may leave the gate's memory: to whoever has the admin token, and to disk. */
export interface MaskedCapture {
  readonly id: string
  /** ISO 8601. */
  readonly time: string
  readonly listener: string
  readonly route: string | null
  readonly outcome: AuditRecord['outcome']
  readonly code: string
  readonly status: number
  readonly evidence: Evidence | null
  readonly 'would-refuse': readonly {
    readonly check: string
    readonly code: string
    readonly evidence: Evidence | null
  }[]
  readonly principal: { readonly name: string; readonly by: string } | null
  readonly source: string
  readonly peer: string | null
  readonly encrypted: boolean
  readonly 'server-name': string | null
  readonly method: string
  readonly target: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** DER in base64, the client's own first. */
  readonly 'client-certificates': readonly string[]
  readonly body: MaskedBody
  /** Milliseconds. */
  readonly ms: number
}

interface MaskedBody {
  /** As far as it was read. */
  readonly bytes: number
  /** Not all of it was kept. */
  readonly cut: boolean
  readonly text: string | null
  /** Why it is not shown; null where it is. */
  readonly withheld: string | null
}

/** What one capture and a list of them tell alike. */
export function outlineOf({ request, record, code, wouldRefuse }: Capture) {
  return {
    id: request.id,
    time: new Date(request.receivedAt).toISOString(),
    listener: request.listener,
    route: request.route ?? null,
    outcome: record.outcome,
    code,
    status: record.status,
    'would-refuse': wouldRefuse.map(({ check, code: would, evidence = null }) => ({ check, code: would, evidence })),
    source: request.source,
  }
}

export function maskCapture(capture: Capture, masks: Masks): MaskedCapture {
  const { request, record, principal } = capture
  return {
    ...outlineOf(capture),
    evidence: record.evidence ?? null,
    principal: principal ?? null,
    peer: request.peer ?? null,
    encrypted: request.encrypted,
    'server-name': request.serverName ?? null,
    method: request.method,
    target: masks.text(maskTarget(request.target, masks)),
    headers: maskHeaders(request.rawHeaders, masks),
    'client-certificates': request.clientCertificates.map(der => der.toString('base64')),
    body: maskBody(capture, masks),
    ms: Math.round(record.totalMs * 1000) / 1000,
  }
}

function maskTarget(target: string, masks: Masks): string {
  const mark = target.indexOf('?')
  return mark < 0 ? target : `${target.slice(0, mark)}?${maskFields(target.slice(mark + 1), masks)}`
}

/** Of a query or a form, the values whose names say that they are credentials. */
function maskFields(text: string, masks: Masks): string {
  return text
    .split('&')
    .map(field => {
      const equals = field.indexOf('=')
      return equals >= 0 && masks.names(decoded(field.slice(0, equals))) ? `${field.slice(0, equals)}=${MASKED}` : field
    })
    .join('&')
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll('+', ' '))
  } catch {
    return name
  }
}

function maskHeaders(raw: readonly string[], masks: Masks): (readonly [string, string])[] {
  const fields: (readonly [string, string])[] = []
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name = '', value = ''] = raw.slice(at, at + 2)
    // A URL that came with the request may hold its query.
    const shown = /^(?:referer|x-original-ur[il]|x-forwarded-ur[il])$/i.test(name) ? maskTarget(value, masks) : value
    fields.push([masks.text(name), masks.names(name) ? MASKED : masks.text(shown)])
  }
  return fields
}

function maskBody({ request }: Capture, masks: Masks): MaskedBody {
  const { body, bodyBytes, rawHeaders } = request
  const cut = isCut(request)
  const withhold = (withheld: string): MaskedBody => ({ bytes: bodyBytes, cut, text: null, withheld })
  if (body.length === 0)
    return { bytes: bodyBytes, cut, text: cut ? null : '', withheld: cut ? 'it was not read' : null }
  if (cut) return withhold('it was not kept whole, so its fields can not be told apart and masked')
  const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'content-type')
  const type = at < 0 ? undefined : parseMediaType(rawHeaders[at + 1] ?? '')
  const show = (text: string): MaskedBody => ({ bytes: bodyBytes, cut, text: masks.text(text), withheld: null })
  if (type && isJson(type) && checkJson(body) === undefined) return show(maskJson(body.toString('utf8'), masks))
  if (type?.essence === 'application/x-www-form-urlencoded') return show(maskFields(body.toString('latin1'), masks))
  return withhold('it is no JSON and no form, so its fields can not be told apart and masked')
}

/** The text with the hidden values replaced; every other character stays. */
export function maskJson(text: string, masks: Masks): string {
  const cuts: { readonly start: number; readonly end: number }[] = []
  mark(text, 0, [], masks, cuts)
  let out = ''
  let from = 0
  for (const { start, end } of cuts) {
    out += `${text.slice(from, start)}"${MASKED}"`
    from = end
  }
  return out + text.slice(from)
}

function mark(
  text: string,
  at: number,
  path: readonly (string | number)[],
  masks: Masks,
  cuts: { readonly start: number; readonly end: number }[],
): void {
  let start = at
  while (' \t\r\n'.includes(text[start] ?? 'x')) start++
  const members = text[start] === '{' ? [...membersOf(text, start)] : []
  const items = text[start] === '[' ? [...itemsOf(text, start)] : []
  for (const member of members) {
    const here = [...path, member.name]
    if (masks.names(member.name) || masks.path(here)) cuts.push(member)
    else mark(text, member.start, here, masks, cuts)
  }
  for (const [index, item] of items.entries()) {
    const here = [...path, index]
    if (masks.path(here)) cuts.push(item)
    else mark(text, item.start, here, masks, cuts)
  }
}
