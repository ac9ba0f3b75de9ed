import type { Certificate } from './certificate.ts'
import {
  childrenOf,
  DerError,
  type Element,
  expectTag,
  readElement,
  readIntegerHex,
  readOid,
  readTime,
  TAG,
} from './der.ts'

/** An OCSP response (RFC 6960) that goes with a certificate in the handshake. */
export interface Staple {
  readonly der: Buffer
  /** Epoch milliseconds. */
  readonly thisUpdate: number
  /** `undefined` where the responder promises no next one. */
  readonly nextUpdate: number | undefined
}

const BASIC = '1.3.6.1.5.5.7.48.1.1'
const ENUMERATED = 0x0a

/**
 * Reads a response from its DER. Its signature is for the clients to check; what they would refuse at first sight, a
 * response on another certificate or one that does not say "good", is refused here.
 * @throws DerError
 */
export function readStaple(der: Buffer, leaf: Certificate): Staple {
  const [status, bytes] = childrenOf(readElement(der, TAG.sequence))
  if (expectTag(status, ENUMERATED).value[0] !== 0) throw new DerError('the responder answered with an error')
  const [type, basic] = childrenOf(readElement(expectTag(bytes, 0xa0).value, TAG.sequence))
  if (readOid(type) !== BASIC) throw new DerError('a response of another type than the basic one')
  const [data] = childrenOf(readElement(expectTag(basic, TAG.octetString).value, TAG.sequence))
  // Version and responder are tagged; the list of answers is the one plain sequence.
  const answers = childrenOf(expectTag(data, TAG.sequence)).find(({ tag }) => tag === TAG.sequence)
  for (const answer of childrenOf(expectTag(answers, TAG.sequence))) {
    const [id, verdict, thisUpdate, next] = childrenOf(answer)
    if (readIntegerHex(childrenOf(expectTag(id, TAG.sequence))[3]) !== leaf.serial) continue
    if (verdict?.tag !== 0x80) throw new DerError('the responder does not call the certificate good')
    return { der, thisUpdate: readTime(thisUpdate), nextUpdate: nextUpdateOf(next) }
  }
  throw new DerError('a response on another certificate')
}

function nextUpdateOf(element: Element | undefined): number | undefined {
  return element?.tag === 0xa0 ? readTime(readElement(element.value)) : undefined
}
