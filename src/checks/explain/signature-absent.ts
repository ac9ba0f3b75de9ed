import type { Explaining } from '../../core/captured.ts'
import type { Finding } from '../../core/finding.ts'
import type { OtherProvider } from '../../signing/near-miss/other-providers.ts'
import type { Provider } from '../../signing/provider.ts'
import type { Scheme } from '../../signing/scheme.ts'
import { likely, listed, possible } from './finding.ts'

/** Of a request without the header or field that the scheme needs, when no signature in it could be proven. */
export function absentFindings(
  { request, refusal }: Pick<Explaining<unknown>, 'request' | 'refusal'>,
  scheme: Pick<Scheme, 'headers'>,
  provider: Provider | undefined,
  others: readonly OtherProvider[],
): readonly Finding[] {
  const { headers } = request
  const named = refusal.evidence?.header ?? refusal.evidence?.field
  const missing = (Array.isArray(named) ? named : [named]).filter(each => typeof each === 'string')
  const word = missing.length > 0 ? listed(missing) : 'the signature'
  const findings: Finding[] = []
  const [other] = others
  if (other)
    findings.push(
      likely({
        cause: 'signature.other-provider',
        because: `the request carries the headers of ${other.provider.name} (${listed(other.headers)})`,
        evidence: { provider: other.provider.id, headers: other.headers },
        mend: `set provider: ${other.provider.id} on this route, with that service's secret; or mend the URL in the service`,
      }),
    )
  for (const header of missing) {
    const empty = headers.all(header.toLowerCase()).some(value => value === '')
    if (empty)
      findings.push(
        likely({
          cause: 'signature.empty-header',
          because: `the header ${header} is there and empty`,
          mend: 'the sender, or a proxy that sets the header from a variable, has nothing to put there: set the secret in the sender',
        }),
      )
    const near = nearName(request, header)
    if (near !== undefined)
      findings.push(
        likely({
          cause: 'signature.renamed-header',
          because: `there is no ${header}, and there is ${near}`,
          evidence: { found: near, expected: header },
          mend: `something on the way renames header fields: let it pass ${header} on under its own name`,
        }),
      )
  }
  if (findings.length > 0) return findings
  const there = scheme.headers.filter(header => headers.has(header.toLowerCase()))
  if (there.length > 0 && missing.length > 0)
    findings.push(
      likely({
        cause: 'signature.header-stripped',
        because: `${listed(there)} ${there.length === 1 ? 'is' : 'are'} there, and ${word} is not`,
        mend: `something on the way takes ${word} off, or the sender writes only a part of the scheme: compare with what it sends`,
      }),
    )
  const agent = headers.one('user-agent') ?? ''
  if (provider && callsItself(agent, provider))
    findings.push(
      likely({
        cause: 'signature.no-secret-at-sender',
        because: `the sender calls itself ${provider.name}'s, and no signature came: no secret is set there, or a proxy on the way takes it off`,
        mend: whereSecret(provider),
      }),
    )
  if (/Mozilla\/|^curl\/|^PostmanRuntime|^insomnia|^HTTPie/i.test(agent))
    findings.push(
      likely({
        cause: 'signature.sent-by-hand',
        because: `it was sent by hand (User-Agent ${/^[\w.-]+/.exec(agent)?.[0] ?? 'of a browser'}), and a person signs nothing`,
        mend: 'send a signed test event: sallyport send',
      }),
    )
  if (findings.length > 0) return findings
  return [
    possible({
      cause: 'signature.not-signed',
      because: `there is no ${word} and nothing that looks like a signature: no secret is set in the sender`,
      mend: provider ? whereSecret(provider) : 'set the secret in the sender',
    }),
    possible(
      refusal.evidence?.field === undefined
        ? {
            cause: 'signature.header-stripped',
            because: `something on the way takes ${word} off`,
            mend: 'compare with what the sender logs; let proxies pass the header on (nginx drops names with "_")',
          }
        : {
            cause: 'signature.field-stripped',
            because: `something on the way writes the body anew, without ${word}`,
            mend: 'compare the body with what the sender logs; let what stands between pass its bytes on as they are',
          },
    ),
    possible({
      cause: 'signature.stranger',
      because: 'the request is not from the service at all',
      mend: 'nothing, if the source is none that you know',
    }),
  ]
}

/** Whether the service's name stands in the User-Agent as a word of its own. */
function callsItself(agent: string, { id }: Provider): boolean {
  const [word = ''] = id.split('-')
  return word.length >= 4 && new RegExp(`(?<![a-z])${word}(?![a-z])`, 'i').test(agent)
}

function whereSecret({ secret, publicKey }: Provider): string {
  const where = secret?.where ?? publicKey?.where
  return where === undefined ? 'set the secret in the sender' : `set it in the service: ${where}`
}

/** A field whose name differs in case, "-", "_" or a prefix X- only. */
function nearName({ headers }: Explaining<unknown>['request'], wanted: string): string | undefined {
  const fold = (name: string): string => name.toLowerCase().replace(/[-_]/g, '').replace(/^x/, '')
  for (let at = 0; at < headers.size; at++) {
    const name = headers.nameAt(at)
    if (name !== wanted.toLowerCase() && fold(name) === fold(wanted)) return name
  }
  return undefined
}
