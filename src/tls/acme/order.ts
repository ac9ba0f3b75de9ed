import { setTimeout as sleep } from 'node:timers/promises'
import type { z } from 'zod'
import type { Clock } from '../../core/clock.ts'
import { type AcmeAccount, locationOf } from './account.ts'
import type { Challenges } from './challenges.ts'
import type { ChallengeType } from './config.ts'
import { proofOf, requestFor } from './documents.ts'
import { AcmeFault, faultOf, UNPROVEN } from './fault.ts'
import { type Authorization, authorization, order } from './messages.ts'
import { read } from './session.ts'
import { retryAfterOf } from './transport.ts'

export interface OrderTools {
  readonly account: AcmeAccount
  readonly challenge: ChallengeType
  readonly challenges: Challenges
  readonly clock: Clock
}

/** How long a CA may take for one step. Milliseconds. */
const STEP_MS = 180_000
const FIRST_LOOK_MS = 300
const LONGEST_LOOK_MS = 10_000

/**
 * Obtains a certificate for one DNS name (RFC 8555 section 7.4).
 * @returns PEM: the new private key, then the chain, leaf first
 * @throws AcmeFault; the signal's reason where it was aborted
 */
export async function obtain(name: string, tools: OrderTools, ended: AbortSignal): Promise<string> {
  const { account } = tools
  const { newOrder } = await account.session.directory(ended)
  const payload = { identifiers: [{ type: 'dns', value: name }] }
  const created = await account.post({ url: newOrder, payload, what: `the CA takes no order for ${name}` }, ended)
  const url = locationOf(created)
  for (const each of read(order, created, 'the order').authorizations) await authorize(each, name, tools, ended)
  const ready = await watch(url, order, 'the order', ({ status }) => status !== 'pending', tools, ended)
  if (ready.status !== 'ready') throw faultOf(`the CA ended the order for ${name} (${ready.status})`, ready.error, 200)
  const { csr, key } = await requestFor(name)
  const finalize = { url: ready.finalize, payload: { csr: csr.toString('base64url') } }
  await account.post({ ...finalize, what: `the CA did not take the request for ${name}` }, ended)
  const done = await watch(url, order, 'the order', ({ status }) => !/^(ready|processing)$/.test(status), tools, ended)
  if (done.status !== 'valid' || done.certificate === undefined)
    throw faultOf(`the CA issued nothing for ${name} (${done.status})`, done.error, 200)
  const accept = 'application/pem-certificate-chain'
  const issued = await account.post(
    { url: done.certificate, accept, what: 'the certificate was not handed out' },
    ended,
  )
  return `${key}${issued.body.toString('latin1')}`
}

async function authorize(url: string, name: string, tools: OrderTools, ended: AbortSignal): Promise<void> {
  const { account, challenge: wanted } = tools
  const what = 'the authorization'
  const open = read(authorization, await account.post({ url, what }, ended), what)
  if (open.status === 'valid') return
  if (open.identifier.value !== name)
    throw new AcmeFault(`the CA asks for a proof of ${open.identifier.value.slice(0, 253)}`, 'please report it')
  const challenge = open.challenges.find(({ type }) => type === wanted)
  if (challenge?.token === undefined) {
    const offered = open.challenges.map(({ type }) => type.slice(0, 32)).join(', ')
    throw new AcmeFault(`the CA offers no ${wanted} for ${name}, but ${offered}`, 'choose another challenge')
  }
  const withdraw = await offer(name, challenge.token, tools, ended)
  try {
    await account.post({ url: challenge.url, payload: {}, what: 'the CA did not take the challenge' }, ended)
    const judged = await watch(url, authorization, what, ({ status }) => status !== 'pending', tools, ended)
    if (judged.status !== 'valid') throw unproven(name, judged, wanted)
  } finally {
    withdraw()
  }
}

async function offer(
  name: string,
  token: string,
  { account, challenge, challenges, clock }: OrderTools,
  ended: AbortSignal,
): Promise<() => void> {
  const proof = await account.keyAuthorization(token, ended)
  if (challenge === 'http-01') return challenges.offer({ token, keyAuthorization: proof })
  return challenges.offer(await proofOf(name, proof, clock.now()))
}

function unproven(name: string, { challenges, status }: Authorization, type: ChallengeType): AcmeFault {
  const tried = challenges.find(each => each.type === type)
  return faultOf(`the CA could not validate ${name} by ${type} (${status})`, tried?.error, 200, undefined, UNPROVEN)
}

/** Looks at something until it is `done`, as often as the CA says (RFC 8555 section 7.5.1). */
async function watch<S extends z.ZodType>(
  url: string,
  schema: S,
  what: string,
  done: (value: z.output<S>) => boolean,
  { account, clock }: OrderTools,
  ended: AbortSignal,
): Promise<z.output<S>> {
  const until = clock.monotonic() + STEP_MS
  for (let wait = FIRST_LOOK_MS; ; wait = Math.min(wait * 2, LONGEST_LOOK_MS)) {
    const answer = await account.post({ url, what }, ended)
    const value = read(schema, answer, what)
    if (done(value)) return value
    if (clock.monotonic() > until)
      throw new AcmeFault(`${what} did not come to an end in 3 minutes`, 'nothing: the gate tries again')
    const asked = Math.min(retryAfterOf(answer, clock.now()) ?? 0, LONGEST_LOOK_MS)
    await sleep(Math.max(wait, asked), undefined, { signal: ended, ref: false })
  }
}
