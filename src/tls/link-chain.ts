import { type Finding, fail } from '../core/finding.ts'
import type { Certificate } from './certificate.ts'
import { formatName } from './distinguished-name.ts'
import type { ChainTrust } from './server-chain.ts'

/** The chain that a client builds. */
export interface LinkedChain {
  /** The leaf, then each issuer that was sent. */
  readonly path: readonly Certificate[]
  /** Why it ends before a CA that is trusted; empty where it does not. */
  readonly findings: readonly Finding[]
}

const LONGEST = 10

/** Links a leaf over the issuers that were sent to a trusted CA, and says what is missing where it does not get there. */
export function linkChain(leaf: Certificate, sent: readonly Certificate[], trust: ChainTrust): LinkedChain {
  const path = [leaf]
  let top = leaf
  while (path.length < LONGEST) {
    const here = top
    if (trust.anchors.some(anchor => anchor.der.equals(here.der) || issued(anchor, here))) return { path, findings: [] }
    const next = sent.find(certificate => !path.includes(certificate) && issued(certificate, here))
    if (next === undefined) break
    path.push(next)
    top = next
  }
  return { path, findings: [gap(path, top, sent, trust)] }
}

/** Whether it certified that one, by name and by key. */
export function issued(issuer: Certificate, child: Certificate): boolean {
  return (
    issuer.ca && issuer.subject.equals(child.issuer) && child !== issuer && child.x509.verify(issuer.x509.publicKey)
  )
}

function gap(
  path: readonly Certificate[],
  top: Certificate,
  sent: readonly Certificate[],
  { anchors, whose, own, nearby }: ChainTrust,
): Finding {
  const name = formatName(top.issuer)
  if (top.subject.equals(top.issuer))
    return path.length === 1
      ? fail(
          'tls.self-signed',
          `the certificate is signed by itself and is none of ${whose}`,
          'have a CA issue it that the sender trusts, or give the sender this certificate to trust',
        )
      : fail(
          'tls.private-ca',
          `the chain ends with ${name}, which is none of ${whose}`,
          'use a certificate of a CA that the sender trusts, or give the sender this CA; here: --ca FILE',
        )
  if ([...anchors, ...sent].some(certificate => certificate.subject.equals(top.issuer)))
    return fail(
      'tls.issuer-mismatch',
      `${formatName(top.subject)} names ${name} as its issuer, and the CA of that name did not sign it`,
      'serve the chain that was issued together: the CA has changed its key, or the files are of two CAs',
    )
  const found = nearby.find(({ certificate }) => issued(certificate, top))
  if (found && !found.certificate.subject.equals(found.certificate.issuer))
    return fail(
      'tls.intermediate-missing',
      `the intermediate ${name} was not sent: it is in ${found.path}`,
      `append ${found.path} to the file of the certificate, leaf first`,
    )
  if (found) return privateCa(name, whose, found.path)
  const url = /^CA Issuers - URI:(\S+)$/m.exec(top.x509.infoAccess ?? '')?.[1]
  if (url === undefined && !own) return privateCa(name, whose, undefined)
  return fail(
    'tls.intermediate-missing',
    `the intermediate ${name} was not sent, so clients find no way to ${whose}`,
    `append it to the file of the certificate, leaf first${url === undefined ? '' : `; the CA offers it at ${url}`}`,
    { certainty: 'likely' },
  )
}

function privateCa(name: string, whose: string, path: string | undefined): Finding {
  return fail(
    'tls.private-ca',
    `the certificate was issued by ${name}, which is none of ${whose}${path === undefined ? '' : ` (it is in ${path})`}`,
    `use a certificate of a CA that the sender trusts, or give the sender this CA; here: --ca ${path ?? 'FILE'}`,
    { certainty: path === undefined ? 'likely' : 'proven' },
  )
}
