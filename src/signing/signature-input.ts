import type { Headers } from '../core/headers.ts'
import { type Component, componentOf } from './component.ts'
import { fault, type SignatureFault } from './scheme.ts'
import {
  type Dictionary,
  type InnerList,
  isInnerList,
  type Parameters,
  parseDictionary,
  serialiseMember,
} from './structured-fields.ts'

export const INPUT = 'Signature-Input'
export const SIGNATURE = 'Signature'

/** Of a longer list, the rest is a stranger's. */
const MOST_LABELS = 8
const MOST_COMPONENTS = 32
const MOST_PARAMETERS = 16
/** Characters of each of the two fields, of all their lines. */
const LONGEST_FIELD = 8192
/** Characters of a label, and of keyid, nonce, alg and tag. */
const LONGEST_TEXT = 256

/** One signature of a request, read and not verified (RFC 9421 section 4). */
export interface ReceivedSignature {
  readonly label: string
  readonly components: readonly Component[]
  /** Canonical: what stands behind `"@signature-params": `. */
  readonly params: string
  /** Epoch seconds. */
  readonly created: number | undefined
  /** Epoch seconds. */
  readonly expires: number | undefined
  readonly nonce: string | undefined
  readonly alg: string | undefined
  readonly keyid: string | undefined
  readonly tag: string | undefined
  readonly signature: Buffer
}

/** A signature whose label, key and tag can be read, before the rest of it is. */
export interface LabelledSignature {
  readonly label: string
  readonly keyid: string | undefined
  readonly tag: string | undefined
  readonly list: InnerList
  readonly signature: Buffer
}

/** What the two fields of a head hold, in the order of Signature-Input; or why they can't be read. */
export function readSignatures(headers: Headers): readonly LabelledSignature[] | SignatureFault {
  const inputs = readField(headers, INPUT)
  if ('ok' in inputs) return inputs
  const signatures = readField(headers, SIGNATURE)
  if ('ok' in signatures) return signatures
  for (const label of signatures.keys())
    if (!inputs.has(label)) return malformed(SIGNATURE, `the label "${label}" is missing in ${INPUT}`)
  const read: LabelledSignature[] = []
  for (const [label, list] of inputs) {
    const member = signatures.get(label)
    if (member === undefined) return malformed(INPUT, `the label "${label}" is missing in ${SIGNATURE}`)
    if (!isInnerList(list)) return malformed(INPUT, `"${label}" is no list in brackets`)
    if (isInnerList(member) || !Buffer.isBuffer(member.bare.value) || member.parameters.size > 0)
      return malformed(SIGNATURE, `"${label}" is not bytes in base64 between colons`)
    const keyid = textOf(list.parameters, 'keyid')
    const tag = textOf(list.parameters, 'tag')
    if (keyid === null || tag === null) return malformed(INPUT, NO_TEXT(label, keyid === null ? 'keyid' : 'tag'))
    read.push({ label, keyid, tag, list, signature: member.bare.value })
  }
  return read
}

/** Reads the rest of a signature that may be the one for this route. */
export function readSignature({
  label,
  keyid,
  tag,
  list,
  signature,
}: LabelledSignature): ReceivedSignature | SignatureFault {
  const { items, parameters } = list
  if (items.length > MOST_COMPONENTS)
    return malformed(INPUT, `"${label}" covers more than ${MOST_COMPONENTS} components`)
  if (parameters.size > MOST_PARAMETERS)
    return malformed(INPUT, `"${label}" has more than ${MOST_PARAMETERS} parameters`)
  const components: Component[] = []
  const seen = new Set<string>()
  for (const item of items) {
    if (item.parameters.size > MOST_PARAMETERS)
      return malformed(INPUT, `a component of "${label}" has more than ${MOST_PARAMETERS} parameters`)
    const component = componentOf(item)
    if ('why' in component) return malformed(INPUT, component.why)
    if (seen.has(component.identity)) return malformed(INPUT, `${component.text} is listed twice`)
    seen.add(component.identity)
    components.push(component)
  }
  const created = secondsOf(parameters, 'created')
  const expires = secondsOf(parameters, 'expires')
  const nonce = textOf(parameters, 'nonce')
  const alg = textOf(parameters, 'alg')
  if (created === null || expires === null)
    return malformed(INPUT, `${created === null ? 'created' : 'expires'} of "${label}" is no whole number of seconds`)
  if (nonce === null || alg === null) return malformed(INPUT, NO_TEXT(label, nonce === null ? 'nonce' : 'alg'))
  return { label, components, params: serialiseMember(list), created, expires, nonce, alg, keyid, tag, signature }
}

/** The field's lines as one dictionary, whose labels are unique across them (RFC 9421 section 4.1). */
function readField(headers: Headers, name: string): Dictionary | SignatureFault {
  const lines = headers.all(name.toLowerCase())
  const text = lines.join(', ')
  if (text === '') return fault('signature.missing', { header: name })
  if (text.length > LONGEST_FIELD) return malformed(name, `it is longer than ${LONGEST_FIELD} characters`)
  const parsed = parseDictionary(text)
  if (!parsed.ok) return malformed(name, parsed.why)
  if (parsed.value.size > MOST_LABELS) return malformed(name, `it holds more than ${MOST_LABELS} signatures`)
  for (const label of parsed.value.keys())
    if (label.length > LONGEST_TEXT) return malformed(name, `a label is longer than ${LONGEST_TEXT} characters`)
  return parsed.value
}

/** `null` where it is there and no text, or a text that tells nothing: an empty one, or one too long. */
function textOf(parameters: Parameters, name: string): string | undefined | null {
  const bare = parameters.get(name)
  if (bare === undefined) return undefined
  const { kind, value } = bare
  return kind === 'string' && typeof value === 'string' && value !== '' && value.length <= LONGEST_TEXT ? value : null
}

function secondsOf(parameters: Parameters, name: string): number | undefined | null {
  const bare = parameters.get(name)
  if (bare === undefined) return undefined
  return bare.kind === 'integer' && typeof bare.value === 'number' ? bare.value : null
}

const NO_TEXT = (label: string, name: string): string =>
  `${name} of "${label}" is no text in quotes of 1 to ${LONGEST_TEXT} characters`

function malformed(header: string, why: string): SignatureFault {
  return fault('signature.malformed', { header, why })
}
