import { childrenOf, type Element, readElement, readOid, TAG } from './der.ts'

// RFC 4514 section 3, and the two that certificates of services often carry.
const SHORT: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'STREET',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.97': 'organizationIdentifier',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
  '1.2.840.113549.1.9.1': 'emailAddress',
}

/** A DER Name as RFC 4514 text, the last RDN first; control characters are escaped. For people and logs, never to compare. */
export function formatName(der: Buffer): string {
  return childrenOf(readElement(der, TAG.sequence))
    .reverse()
    .map(rdn => childrenOf(rdn).map(formatAttribute).join('+'))
    .join(',')
}

function formatAttribute(attribute: Element): string {
  const [type, value] = childrenOf(attribute)
  const oid = readOid(type)
  const text = value === undefined ? undefined : textOf(value)
  return text === undefined
    ? `${oid}=#${value?.raw.toString('hex') ?? ''}`
    : `${SHORT[oid] ?? oid}=${escapeValue(text)}`
}

function textOf({ tag, value }: Element): string | undefined {
  if (tag === TAG.utf8String) return value.toString('utf8')
  if (tag === TAG.printableString || tag === TAG.ia5String || tag === TAG.teletexString) return value.toString('latin1')
  if (tag === TAG.bmpString && value.length % 2 === 0) return Buffer.from(value).swap16().toString('utf16le')
  return undefined
}

function escapeValue(text: string): string {
  return Array.from(text, (character, index) => {
    const edge = (index === 0 && /[ #]/.test(character)) || (index === text.length - 1 && character === ' ')
    if (edge || /["+,;<>\\]/.test(character)) return `\\${character}`
    if (!/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(character)) return character
    return Array.from(Buffer.from(character), octet => `\\${octet.toString(16).padStart(2, '0')}`).join('')
  }).join('')
}
