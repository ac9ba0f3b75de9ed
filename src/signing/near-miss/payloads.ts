import type { BodyRequest } from '../../core/request.ts'
import { fieldOf } from '../body-fields.ts'
import { SignatureList } from '../signature-list.ts'
import type { SignedForm } from '../signed-form.ts'
import { Template, TemplateGap } from '../template.ts'
import { readTimestamp, UNIT_WORDS, writeTimestamp } from '../timestamp.ts'
import { bodyVariants } from './body-variants.ts'
import type { Budget } from './budget.ts'
import type { Difference, Variant } from './difference.ts'
import { expectedValue } from './received.ts'
import { urlVariants } from './url-variants.ts'
import { varied } from './varied.ts'

/** What was signed: texts of one byte a character around a body. */
export interface Payload {
  readonly before: string
  readonly body: Buffer
  readonly after: string
}

/** What services sign, as templates, the most usual first. */
const TEMPLATES = [
  '{body}',
  '{timestamp}.{body}',
  '{timestamp}{body}',
  '{timestamp}:{body}',
  '{id}.{timestamp}.{body}',
  'v0:{timestamp}:{body}',
  '{id}{timestamp}{body}',
  '{timestamp}.{id}.{body}',
  '{body}{timestamp}',
  '{body}.{timestamp}',
  '{body}.{id}.{timestamp}',
  '{timestamp}-{body}',
  '{timestamp}\n{body}',
  '{timestamp}|{body}',
  '{url}{body}',
  '{body}{url}',
  '{method}{url}{body}',
  '{method}{path}{body}',
  '{path}{body}',
  '{method}{url}{body}{timestamp}',
  '{timestamp}{method}{path}{body}',
  '{timestamp}.{method}.{path}.{body}',
  '{url}',
  '{timestamp}',
  '{id}',
  '{sha256:body}',
  '{timestamp}.{sha256:body}',
  '{form:sorted}',
  '{url}{form:sorted}',
] as const

const NOTHING = Buffer.alloc(0)
const MOST_TIMES = 6

/** What the sender may have signed; first, with no difference, what the scheme signs. Each differs in one thing. */
export function* payloadVariants(
  request: BodyRequest,
  form: SignedForm,
  cut: boolean,
  budget: Budget,
): Generator<Variant<Payload>> {
  const times = timesOf(request, form)
  const ids = idsOf(request, form)
  const [time = '', id = ''] = [times[0]?.value, ids[0]?.value]
  const { url } = form
  const template = new Template(form.payload, { partOfBody: true, url })
  const make = (of: BodyRequest, by: Template, when: string, which: string, differs: readonly Difference[]) => {
    const payload = fill(of, by, when, which)
    return payload === undefined || (cut && by.wholeBody) ? [] : [{ value: payload, differs }]
  }
  yield* make(request, template, time, id, [])
  const uses = (name: string): boolean => form.payload.includes(`{${name}}`)
  if (uses('url'))
    for (const { value, differs } of urlVariants(request))
      if (differs.length > 0) yield* make(varied(request, { publicUrl: value }), template, time, id, differs)
  if (uses('timestamp')) for (const each of times.slice(1)) yield* make(request, template, each.value, id, each.differs)
  if (uses('id')) for (const each of ids.slice(1)) yield* make(request, template, time, each.value, each.differs)
  if (!cut)
    for (const { value, differs } of bodyVariants(request, budget))
      if (differs.length > 0) yield* make(varied(request, { raw: value }), template, time, id, differs)
  for (const payload of TEMPLATES) {
    if (payload === form.payload) continue
    const by = new Template(payload, { partOfBody: true, url })
    const differs = [overTemplate(payload, form.payload)]
    const whens = payload.includes('{timestamp}') ? times : [{ value: '', differs: [] }]
    const whiches = payload.includes('{id}') ? ids : [{ value: '', differs: [] }]
    for (const when of whens)
      for (const which of whiches)
        yield* make(request, by, when.value, which.value, [...differs, ...(uses('timestamp') ? when.differs : [])])
  }
}

function fill(request: BodyRequest, template: Template, time: string, id: string): Payload | undefined {
  const before = template.before(request, time, id)
  const after = template.after(request, time, id)
  if (before instanceof TemplateGap || after instanceof TemplateGap) return undefined
  return { before, body: template.wholeBody ? request.raw : NOTHING, after }
}

function overTemplate(payload: string, configured: string): Difference {
  const shown = JSON.stringify(payload).slice(1, -1)
  const alone = payload === '{body}' ? 'over the body alone' : `over ${shown}`
  return {
    cause: payload === '{body}' ? 'payload-body-alone' : 'payload',
    phrase: `${alone} instead of ${JSON.stringify(configured).slice(1, -1)}`,
    mend: `the sender signs by another scheme: is it the right provider? Spelled out, it is payload: "${shown}"`,
    evidence: { signed: shown, expected: configured },
  }
}

/** The moments that the request names, where the form expects it first, each as sent and in other units. */
function timesOf(request: BodyRequest, form: SignedForm): readonly Variant<string>[] {
  const expected = expectedTime(request, form)
  const texts = new Map<string, string>()
  if (expected !== undefined) texts.set(expected, '')
  for (let at = 0; at < request.headers.size && texts.size < MOST_TIMES; at++) {
    const text = request.headers.valueAt(at)
    const isTime = /^\d{10}$|^\d{13}$|^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}/.test(text)
    if (isTime && !texts.has(text)) texts.set(text, request.headers.nameAt(at))
    // A list may hold it behind a tag: t=1700000000
    const tagged = /(?:^|[,;\s])(?:t|ts|timestamp)=(\d{10,13})(?=$|[,;\s])/.exec(text)?.[1]
    if (tagged !== undefined && !texts.has(tagged)) texts.set(tagged, request.headers.nameAt(at))
  }
  const variants: Variant<string>[] = []
  for (const [text, header] of texts) {
    const elsewhere: readonly Difference[] = header === '' ? [] : [timeIn(header, form)]
    variants.push({ value: text, differs: elsewhere })
    for (const [other, words] of unitsOf(text))
      variants.push({ value: other, differs: [...elsewhere, inUnit(words, form)] })
  }
  return variants.slice(0, MOST_TIMES * 3)
}

/** The text where the form expects the timestamp; `undefined` where there is none. */
export function expectedTime(request: BodyRequest, form: SignedForm): string | undefined {
  const { timestamp } = form
  if (timestamp === undefined) return undefined
  if (timestamp.header !== undefined) return request.headers.all(timestamp.header.toLowerCase())[0]
  if (timestamp.json !== undefined) return fieldOf(request, { json: timestamp.json })
  if (timestamp.form !== undefined) return fieldOf(request, { form: timestamp.form })
  const list = new SignatureList(form, undefined)
  list.read(expectedValue(request, form) ?? '')
  return list.timestamp === '' ? undefined : list.timestamp
}

function unitsOf(text: string): readonly (readonly [text: string, words: string])[] {
  if (/^\d{10}$/.test(text)) return [[`${text}000`, 'milliseconds']]
  if (/^\d{13}$/.test(text)) return [[text.slice(0, 10), 'seconds']]
  const at = readTimestamp(text, 'iso')
  if (at === undefined) return []
  return [
    [writeTimestamp(at, 's'), 'seconds'],
    [writeTimestamp(at, 'ms'), 'milliseconds'],
  ]
}

const timeIn = (header: string, { header: own, list }: SignedForm): Difference =>
  header === own?.toLowerCase() && list?.timestampTag !== undefined ? otherList(header, list) : timeElsewhere(header)

const otherList = (header: string, { separator, timestampTag, tag }: NonNullable<SignedForm['list']>): Difference => ({
  cause: 'list-form',
  phrase: `with the parts of ${header} told apart otherwise than by "${separator}"`,
  mend: `let the sender write ${timestampTag}TIMESTAMP${separator}${tag}SIGNATURE, divided by "${separator}"`,
})

const timeElsewhere = (header: string): Difference => ({
  cause: 'timestamp-place',
  phrase: `with the timestamp of the header ${header}`,
  mend: `the sender writes the signed timestamp into ${header}: name that header under timestamp, if it is the right provider`,
})

function inUnit(words: string, { timestamp }: SignedForm): Difference {
  const read = timestamp && UNIT_WORDS[timestamp.unit]
  const told = read === undefined || read === words ? 'let it send what it signs' : `let it sign and send ${read}`
  return {
    cause: 'timestamp-unit',
    phrase: `over the timestamp in ${words}`,
    mend: `the sender signs the timestamp in ${words}, and sends it in another unit: ${told}`,
  }
}

/** The event ids that the request names, where the form expects it first. */
function idsOf(request: BodyRequest, form: SignedForm): readonly Variant<string>[] {
  const texts = new Map<string, string>()
  const { id } = form
  const expected = id && ('header' in id ? request.headers.all(id.header.toLowerCase())[0] : fieldOf(request, id))
  if (expected !== undefined) texts.set(expected, '')
  for (let at = 0; at < request.headers.size && texts.size < 4; at++) {
    const name = request.headers.nameAt(at)
    const text = request.headers.valueAt(at)
    if (/(^|-)id$/.test(name) && /^[\x21-\x7e]{1,256}$/.test(text) && !texts.has(text)) texts.set(text, name)
  }
  return [...texts].map(([value, header]) => ({
    value,
    differs:
      header === ''
        ? []
        : [
            {
              cause: 'id-place',
              phrase: `with the id of the header ${header}`,
              mend: `the sender writes the signed id into ${header}: name that header under id, if it is the right provider`,
            },
          ],
  }))
}
