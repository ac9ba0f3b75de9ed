import { hash, timingSafeEqual } from 'node:crypto'
import type { Explaining } from '../../core/captured.ts'
import type { Finding } from '../../core/finding.ts'
import type { Resources } from '../../core/resources.ts'
import type { Secret, SecretRef } from '../../core/secret.ts'
import { ago, likely, possible, proven } from './finding.ts'
import { attempt } from './signature-keys.ts'

export interface ChallengeConfig {
  readonly 'verify-token'?: SecretRef | undefined
  readonly 'open-until'?: number | undefined
  readonly origins?: readonly string[] | undefined
  readonly topics?: readonly string[] | undefined
}

/** Why a handshake was not answered. */
export function explainChallenge(
  config: ChallengeConfig,
  { request, refusal, elsewhere }: Explaining<ChallengeConfig>,
  resources: Resources,
): readonly Finding[] {
  const evidence = refusal.evidence ?? {}
  if (refusal.code === 'challenge.token') return token(config, request.query, elsewhere, resources)
  if (refusal.code === 'challenge.closed') {
    const until = config['open-until']
    return [
      until === undefined
        ? proven({
            cause: 'challenge.never-open',
            because: 'no window is open for handshakes: open-until is not set',
            mend: 'set open-until of the challenge to a few minutes ahead while you register the endpoint',
          })
        : proven({
            cause: 'challenge.window-over',
            because: `the window for handshakes closed ${ago(request.receivedAt - until)} ago`,
            mend: 'set open-until of the challenge to a few minutes ahead, and register again',
          }),
    ]
  }
  if (refusal.code === 'challenge.unexpected') {
    const named = String(evidence.named ?? '')
    const wanted = [...(config.origins ?? []), ...(config.topics ?? [])]
    const near = wanted.find(one => plain(one) === plain(named))
    return [
      near === undefined
        ? possible({
            cause: 'challenge.not-listed',
            because: `it names ${named === '' ? 'nothing' : named}, which the config does not list`,
            mend: 'add it to origins or topics if you asked for it',
          })
        : proven({
            cause: 'challenge.slash',
            because: `it names ${named}, and the config lists ${near}: they differ in case, scheme or a slash`,
            mend: `write it as ${named}`,
          }),
    ]
  }
  if (refusal.code === 'challenge.taken')
    return [
      likely({
        cause: 'challenge.paired-before',
        because: `the file ${String(evidence.file ?? 'of save-to')} holds a secret already: the endpoint was paired before`,
        mend: 'if you pair anew, remove the file first; if you do not, close the window',
      }),
    ]
  return []
}

const plain = (text: string): string =>
  text
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/\/+$/, '')

function token(
  config: ChallengeConfig,
  query: string,
  elsewhere: Explaining<ChallengeConfig>['elsewhere'],
  resources: Resources,
): readonly Finding[] {
  const sent = [...new URLSearchParams(query)].filter(([name]) => /token/i.test(name)).map(([, value]) => value)
  const own = secretOf(config, resources)
  const changes: readonly (readonly [cause: string, because: string, change: (text: string) => string])[] = [
    ['blank', 'it has blanks around it', text => text.trim()],
    ['quotes', 'quotation marks stand around it', text => text.replace(/^(["'])(.*)\1$/s, '$2')],
    ['escaped', 'it is percent-encoded twice', text => attempt(() => decodeURIComponent(text)) ?? text],
    ['case', 'it is written in lower case', text => text.toUpperCase()],
    ['case', 'it is written in upper case', text => text.toLowerCase()],
  ]
  for (const text of sent)
    for (const [cause, because, change] of changes)
      if (own && change(text) !== text && isSame(change(text), own))
        return [
          proven({
            cause: `challenge.token-${cause}`,
            because: `it is the verify token, but ${because}`,
            mend: 'enter it in the service as it stands in verify-token',
          }),
        ]
  for (const { route, config: theirs, resources: world } of elsewhere) {
    const other = secretOf(theirs, world)
    if (other && sent.some(text => isSame(text, other)))
      return [
        proven({
          cause: 'challenge.other-route',
          because: `it is the verify token of the route ${route}`,
          evidence: { route },
          mend: `mend the URL in the service: this endpoint is not ${route}; or enter this one's token`,
        }),
      ]
  }
  return [
    sent.length === 0
      ? likely({
          cause: 'challenge.no-token',
          because: 'the handshake brings no verify token',
          mend: 'enter the verify token in the service',
        })
      : possible({
          cause: 'challenge.other-token',
          because: 'another verify token was entered in the service',
          mend: 'enter the one that verify-token refers to',
        }),
  ]
}

function secretOf(config: ChallengeConfig, resources: Resources): Secret | undefined {
  const ref = config['verify-token']
  return ref && attempt(() => resources.secret(ref))
}

function isSame(text: string, secret: Secret): boolean {
  const digest = (bytes: Buffer): Buffer => hash('sha256', bytes, 'buffer')
  return timingSafeEqual(digest(Buffer.from(text)), digest(secret.bytes()))
}
