import type { HmacDescription } from '../hmac.ts'
import { MAC_BYTES } from '../mac.ts'
import { carrierOf, type SignedForm } from '../signed-form.ts'
import type { Difference } from './difference.ts'
import { expectedPlace, type Found } from './received.ts'

const WORDS: Readonly<Record<Found['encoding'], string>> = {
  hex: 'hexadecimal digits in lower case',
  'hex-upper': 'hexadecimal digits in upper case',
  'hex-mixed': 'hexadecimal digits in mixed case',
  base64: 'base64',
  'base64-unpadded': 'base64 without its padding',
  base64url: 'base64url',
  'base64url-padded': 'base64url with padding',
  'base64-of-hex': 'base64 of the hexadecimal digits',
  'percent-escaped': 'base64 with percent escapes (%3D)',
}
const FEWEST_HEX = 20

/** How a signature that holds stands in another place, or is written in another way, than the form has it. */
export function placeDifferences(found: Found, form: SignedForm): readonly Difference[] {
  const differences: Difference[] = []
  const { place } = found
  const beside = form.beside?.headers.find(header => header.toLowerCase() === place)
  const expected = place === expectedPlace(form) || (beside !== undefined && form.beside?.counts === true)
  if (!expected && beside !== undefined)
    differences.push({
      cause: 'other-family',
      phrase: `as it stands in ${beside}, which is looked at only where no ${carrierOf(form)} is sent`,
      mend: `the service makes ${carrierOf(form)} with another secret than ${beside}: give that one under secrets as well`,
      evidence: { found: place, expected: carrierOf(form) },
    })
  else if (!expected) {
    const where = place.includes(':') ? place : `the header ${place}`
    differences.push({
      cause: 'place',
      phrase: `as it stands in ${where}, and not in ${carrierOf(form)}`,
      mend: `let the sender write it into ${carrierOf(form)}, use the provider that reads ${where}, or spell the scheme out with that header`,
      evidence: { found: place, expected: carrierOf(form) },
    })
  }
  if (!readAs(found.encoding, form.encoding))
    differences.push({
      cause: 'encoding',
      phrase: `written in ${WORDS[found.encoding]}, and the scheme reads ${WORDS[form.encoding]}`,
      mend: `let the sender write it in ${WORDS[form.encoding]}, or spell the scheme out with the encoding that it uses`,
      evidence: { encoding: found.encoding, expected: form.encoding },
    })
  const wrapped = aroundDifference(found, form)
  if (wrapped && expected) differences.push(wrapped)
  return differences
}

/** Digits without a letter, and base64 without a sign that differs, read alike. */
function readAs(encoding: Found['encoding'], expected: SignedForm['encoding']): boolean {
  return encoding === expected || (encoding === 'base64-unpadded' && expected === 'base64url')
}

function aroundDifference({ before, after }: Found, form: SignedForm): Difference | undefined {
  if (form.list) {
    if (before.endsWith(form.list.tag)) return undefined
    return {
      cause: 'prefix',
      phrase: `although ${form.list.tag === '' ? 'something' : `no "${form.list.tag}"`} stands before it`,
      mend: `let the sender write "${form.list.tag}" before the signature; without it, it may be another version or another provider`,
    }
  }
  const { prefix = '' } = form
  if (before === prefix && after === '') return undefined
  const quoted = /["']/.test(before + after) && (before + after).replace(/["']/g, '').trim() === prefix
  const blank = (before + after).trim() === prefix
  if (quoted || blank)
    return {
      cause: quoted ? 'quotes' : 'blank',
      phrase: `without the ${quoted ? 'quotation marks' : 'blanks'} around it`,
      mend: `let the sender write the signature without ${quoted ? 'quotation marks' : 'blanks'} around it`,
    }
  return {
    cause: 'prefix',
    phrase:
      prefix === ''
        ? 'without what stands before it in the header'
        : before === ''
          ? `although "${prefix}" does not stand before it`
          : `although something else than "${prefix}" stands before it`,
    mend:
      prefix === ''
        ? 'let the sender write the signature alone, or spell the scheme out with its prefix'
        : `let the sender write "${prefix}" before the signature, or spell the scheme out with the prefix that it uses`,
  }
}

/** The digits of a signature that was cut; `undefined` where it has its length, or too few to say anything. */
export function truncated(
  value: string | undefined,
  { prefix = '', algorithm }: HmacDescription,
): { readonly hex: string; readonly difference: Difference } | undefined {
  const text = value?.startsWith(prefix) ? value.slice(prefix.length) : undefined
  if (text === undefined) return undefined
  const wanted = MAC_BYTES[algorithm]
  const isHex = /^[0-9a-f]+$/i.test(text)
  const bytes = isHex ? text.length / 2 : Buffer.from(text, 'base64').length
  const hex = isHex ? text.toLowerCase() : Buffer.from(text, 'base64').toString('hex')
  if (hex.length < FEWEST_HEX || bytes >= wanted || !/^[A-Za-z0-9+/=_-]+$/.test(text)) return undefined
  return {
    hex,
    difference: {
      cause: 'truncated',
      phrase: `as far as it goes: the last ${Math.ceil(wanted - bytes)} of ${wanted} bytes are missing`,
      mend: 'something cuts the header, often a field of fixed length in a database: let the sender send all of it',
      evidence: { bytes: Math.floor(bytes), expected: wanted },
    },
  }
}
