import type { Explaining } from '../../core/captured.ts'
import type { Evidence } from '../../core/decision.ts'
import type { Finding } from '../../core/finding.ts'
import { Headers } from '../../core/headers.ts'
import type { BodyRequest } from '../../core/request.ts'
import type { Resources } from '../../core/resources.ts'
import { varied } from '../../signing/near-miss/varied.ts'
import { type BasicConfig, basic } from '../basic.ts'
import { AskAgain, asOf } from './ask-again.ts'
import { ago, likely, possible, proven } from './finding.ts'
import { nearSecret } from './near-secret.ts'
import { attempt } from './signature-keys.ts'

type Reading = readonly [cause: string, because: string, mend: string, credentials: string]

/** Near misses of a name and a password: other readings of what was sent are put to the check itself. */
export async function explainBasic(
  config: BasicConfig,
  { request, refusal, elsewhere }: Explaining<BasicConfig>,
  resources: Resources,
): Promise<readonly Finding[]> {
  const evidence = refusal.evidence ?? {}
  if (refusal.code === 'basic.expired') return [expired(evidence, request)]
  const value = request.headers.all('authorization')[0]
  const own = new AskAgain(() => basic.create(config, asOf(resources, request.receivedAt)))
  try {
    for (const [cause, because, mend, credentials] of readings(request, value, config))
      if (await own.admits(withCredentials(request, credentials)))
        return [proven({ cause: `basic.${cause}`, because, mend })]
  } finally {
    own.close()
  }
  for (const { route, config: theirs, resources: world } of elsewhere) {
    const other = new AskAgain(() => basic.create(theirs, asOf(world, request.receivedAt)))
    try {
      if (await other.admits(request))
        return [
          proven({
            cause: 'basic.other-route',
            because: `name and password are those of the route ${route}`,
            evidence: { route },
            mend: `give the sender those of this route, or mend its URL: the request may be meant for ${route}`,
          }),
        ]
    } finally {
      other.close()
    }
  }
  const near = nearPassword(config, value, resources)
  return near ? [near] : remaining(refusal.code, evidence, value)
}

/** A password of a known user that was cut, continued or mistyped. */
function nearPassword({ users }: BasicConfig, value: string | undefined, resources: Resources): Finding | undefined {
  const text = Buffer.from((value ?? '').replace(/^[A-Za-z-]+ +/, ''), 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 0) return undefined
  for (const user of users.filter(({ name }) => name === text.slice(0, colon))) {
    const near = attempt(() => nearSecret(resources.secret(user.password).text(), text.slice(colon + 1)))
    if (near)
      return proven({
        cause: `basic.${near.cause}`,
        because: `it is the password of "${user.name}" ${near.because}`,
        evidence: { user: user.name },
        mend: 'enter the password again, whole, in the sender; some split at its first ":" or cut at a length',
      })
  }
  return undefined
}

function withCredentials(request: BodyRequest, credentials: string): BodyRequest {
  const fields = ['authorization', `Basic ${Buffer.from(credentials).toString('base64')}`]
  return varied(request, { headers: new Headers(fields) })
}

function* readings(request: BodyRequest, value: string | undefined, { users }: BasicConfig): Generator<Reading> {
  const scheme = /^([A-Za-z-]+) +/.exec(value ?? '')?.[1] ?? ''
  const encoded = (value ?? '').replace(/^([A-Za-z-]+ +)+/, '')
  const bytes = Buffer.from(encoded.replace(/\s/g, ''), 'base64')
  const text = bytes.toString('utf8')
  const [user = '', password = ''] = [text.slice(0, Math.max(0, text.indexOf(':'))), text.slice(text.indexOf(':') + 1)]
  if (/^basic +basic /i.test(value ?? ''))
    yield ['twice', '"Basic" is written twice', 'enter name and password alone: the sender adds "Basic"', text]
  if (scheme !== '' && !/^basic$/i.test(scheme))
    yield [
      'other-scheme',
      `name and password stand behind "${scheme}", not "Basic"`,
      'let the sender write "Basic" before them',
      text,
    ]
  if (encoded.includes(':'))
    yield [
      'not-encoded',
      'name and password are not in base64',
      'let the sender encode NAME:PASSWORD in base64',
      encoded,
    ]
  if (bytes.toString('base64') !== encoded)
    yield [
      'encoding',
      'the base64 lacks its padding, or is base64url, or has blanks in it',
      'let the sender write base64 with its padding (RFC 4648 section 4)',
      text,
    ]
  if (/\s$/.test(text))
    yield [
      'line-end',
      'a line end or a blank stands behind the password',
      'encode without it: printf %s NAME:PASSWORD | base64, instead of echo',
      text.trimEnd(),
    ]
  yield [
    'blank',
    'there are blanks around the name or the password',
    'enter both without blanks around them',
    `${user.trim()}:${password.trim()}`,
  ]
  yield [
    'quotes',
    'quotation marks stand around the name or the password',
    'enter both without quotation marks',
    `${unquoted(user)}:${unquoted(password)}`,
  ]
  yield [
    'escaped',
    'name or password are percent-encoded',
    'the sender takes them from a URL and does not decode them: enter them in fields of their own',
    `${unescaped(user)}:${unescaped(password)}`,
  ]
  yield [
    'charset',
    'name and password are in ISO 8859-1, not in UTF-8',
    'let the sender encode them as UTF-8 (RFC 7617), or choose them of ASCII alone',
    bytes.toString('latin1'),
  ]
  yield ['swapped', 'name and password are swapped', 'enter each in its own field', `${password}:${user}`]
  yield [
    'encoded-twice',
    'name and password are in base64 twice',
    'let the sender encode them once',
    Buffer.from(text, 'base64').toString('utf8'),
  ]
  for (const { name } of users) {
    if (name.toLowerCase() === user.toLowerCase())
      yield [
        'case',
        `the user name is "${name}", in another case`,
        'enter the name in the case in which the config has it',
        `${name}:${password}`,
      ]
    yield [
      'other-user',
      `the password is that of the user "${name}", sent under another name`,
      `set the user name to "${name}" in the sender`,
      `${name}:${password}`,
    ]
  }
  for (const token of [...new URLSearchParams(request.query).values()].slice(0, 20))
    for (const { name } of users)
      yield [
        'in-query',
        `the password stands in the query`,
        'let the sender send it as Authorization: Basic',
        `${name}:${token}`,
      ]
}

const passwordIn = (value: string | undefined): string => {
  const text = Buffer.from((value ?? '').replace(/^[A-Za-z-]+ +/, ''), 'base64').toString('utf8')
  return text.slice(text.indexOf(':') + 1)
}

const unquoted = (text: string): string => text.replace(/^(["'])(.*)\1$/s, '$2')

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function expired(evidence: Evidence, request: BodyRequest): Finding {
  const at = Date.parse(String(evidence.expired))
  return proven({
    cause: 'basic.expired',
    because: `the password of "${String(evidence.user)}" is right, and expired ${ago(request.receivedAt - at)} ago`,
    evidence,
    mend: 'add a new password under the same name, give it to the sender, then remove the old one',
  })
}

function remaining(code: string, evidence: Evidence, value: string | undefined): readonly Finding[] {
  if (code === 'basic.missing' && value === undefined)
    return [
      possible({
        cause: 'basic.not-sent',
        because: 'there is no Authorization header: no name and password are set in the sender',
        mend: 'set them in the sender; some take them as https://NAME:PASSWORD@HOST/',
      }),
      possible({
        cause: 'basic.stripped',
        because:
          'something on the way takes Authorization off, as clients do when they follow a redirect to another host',
        mend: 'enter the final URL in the sender, and let proxies pass the header on',
      }),
    ]
  if (code === 'basic.missing')
    return [
      likely({
        cause: 'basic.other-scheme',
        because: 'Authorization holds another scheme than Basic',
        mend: 'let the sender use Basic, or check what it sends with bearer or api-key',
      }),
    ]
  if (code === 'basic.malformed') return []
  if (evidence['user-known'] !== false && passwordIn(value) === '')
    return [
      proven({
        cause: 'basic.empty-password',
        because: `the user "${String(evidence.user)}" is known, and no password was sent`,
        mend: 'enter the password in the sender: a variable that holds it may be empty',
      }),
    ]
  return [
    evidence['user-known'] === false
      ? likely({
          cause: 'basic.unknown-user',
          because: 'no user of the route has that name',
          mend: 'compare the name in the sender with those of the config, letter by letter',
        })
      : likely({
          cause: 'basic.wrong-password',
          because: `the user "${String(evidence.user)}" is known, and the password is another`,
          mend: 'enter the password of the config in the sender anew; it may be one from before a change',
        }),
  ]
}
