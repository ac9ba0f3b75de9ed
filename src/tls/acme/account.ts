import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import type { Secret } from '../../core/secret.ts'
import { AcmeFault, UNBOUND } from './fault.ts'
import { parseJson } from './messages.ts'
import type { Post, Session, Signer } from './session.ts'
import type { AcmeStore } from './store.ts'
import type { Answer } from './transport.ts'

export interface AccountSettings {
  readonly email: string | undefined
  readonly eab: { readonly kid: string; readonly key: Secret } | undefined
}

const kept = z.object({ key: z.string(), url: z.string().optional(), email: z.string().optional() })

interface Identity {
  readonly key: KeyObject
  readonly url: string
}

/** An account with a CA (RFC 8555 section 7.3): its key is made and registered once, and kept in the store. */
export class AcmeAccount {
  readonly session: Session
  readonly #store: AcmeStore
  readonly #settings: AccountSettings
  #identity: Promise<Identity> | undefined
  /** Orders go one after the other: many names at once are no reason to press a CA. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(session: Session, store: AcmeStore, settings: AccountSettings) {
    this.session = session
    this.#store = store
    this.#settings = settings
  }

  /** Runs `work` after what was asked for before. An account that the CA has lost is made anew, once. */
  async inTurn<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#last.then(async () => {
      try {
        return await work()
      } catch (error) {
        // A CA may have moved its URLs meanwhile, and the operator may mend what the store holds.
        this.session.forget()
        this.#identity = undefined
        if (!(error instanceof AcmeFault) || error.type !== 'accountDoesNotExist') throw error
        this.#lost()
        return await work()
      }
    })
    this.#last = run.catch(() => undefined)
    return run
  }

  /** A request signed by the account. @throws AcmeFault */
  async post(what: Post, ended: AbortSignal): Promise<Answer> {
    const { key, url } = await this.#identify(ended)
    return this.session.post(what, { key, header: { kid: url } }, ended)
  }

  /** What proves the control of a name (RFC 8555 section 8.1). */
  async keyAuthorization(token: string, ended: AbortSignal): Promise<string> {
    const { key } = await this.#identify(ended)
    const { calculateJwkThumbprint } = await import('jose')
    return `${token}.${await calculateJwkThumbprint(publicJwk(key))}`
  }

  #identify(ended: AbortSignal): Promise<Identity> {
    this.#identity ??= this.#register(ended).catch(error => {
      this.#identity = undefined
      throw error
    })
    return this.#identity
  }

  async #register(ended: AbortSignal): Promise<Identity> {
    const { email, eab } = this.#settings
    const known = this.#read()
    const key = known?.key ?? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    const pem = key.export({ type: 'pkcs8', format: 'pem' }).toString()
    const keep = (url?: string) =>
      this.#store.writeAccount(`${JSON.stringify({ key: pem, url, email }, undefined, 2)}\n`)
    // Before the CA knows it: a key that is registered and lost would leave an account that nobody can use.
    if (known === undefined) keep()
    if (known?.url !== undefined && known.email === email) return { key, url: known.url }
    const { newAccount } = await this.session.directory(ended)
    const contact = email === undefined ? [] : [`mailto:${email}`]
    const url =
      known?.url ??
      locationOf(
        await this.session.post(
          {
            url: newAccount,
            payload: {
              termsOfServiceAgreed: true,
              ...(email === undefined ? {} : { contact }),
              ...(await this.#binding(key, newAccount)),
            },
            what: 'the CA made no account',
            ...(eab === undefined ? {} : { mends: UNBOUND }),
          },
          { key, header: { jwk: publicJwk(key) } },
          ended,
        ),
      )
    if (known?.url !== undefined) {
      const signer: Signer = { key, header: { kid: url } }
      await this.session.post(
        { url, payload: { contact }, what: 'the CA did not take the e-mail address' },
        signer,
        ended,
      )
    }
    keep(url)
    return { key, url }
  }

  /** RFC 8555 section 7.3.4: the account's key, signed by the MAC key that the CA gave. */
  async #binding(key: KeyObject, url: string): Promise<Record<string, unknown>> {
    const { eab } = this.#settings
    if (eab === undefined) return {}
    const mac = Buffer.from(eab.key.text(), 'base64url')
    const { FlattenedSign } = await import('jose')
    const payload = new TextEncoder().encode(JSON.stringify(publicJwk(key)))
    const jws = await new FlattenedSign(payload).setProtectedHeader({ alg: 'HS256', kid: eab.kid, url }).sign(mac)
    return { externalAccountBinding: jws }
  }

  #read():
    | { readonly key: KeyObject; readonly url: string | undefined; readonly email: string | undefined }
    | undefined {
    const text = this.#store.readAccount()
    if (text === undefined) return undefined
    try {
      const { key, url, email } = kept.parse(parseJson(Buffer.from(text)))
      return { key: createPrivateKey(key), url, email }
    } catch {
      throw new AcmeFault(
        `${this.#store.folder}/account.json holds no account`,
        'put it back from a copy, or remove it: a new account is made',
      )
    }
  }

  #lost(): void {
    const known = this.#read()
    this.#identity = undefined
    if (known === undefined) return
    const key = known.key.export({ type: 'pkcs8', format: 'pem' }).toString()
    this.#store.writeAccount(`${JSON.stringify({ key })}\n`)
  }
}

function publicJwk(key: KeyObject): Record<string, string> {
  const { kty, crv, x, y } = createPublicKey(key).export({ format: 'jwk' })
  return { kty: kty ?? '', crv: crv ?? '', x: x ?? '', y: y ?? '' }
}

/** @throws AcmeFault where the answer names no URL of HTTPS */
export function locationOf({ headers }: Answer): string {
  const { location } = headers
  if (location?.startsWith('https://') && URL.canParse(location)) return location
  throw new AcmeFault('the CA made something and did not say where', 'see whether directory is the URL of an ACME CA')
}
