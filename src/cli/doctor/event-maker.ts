import type { Forgery } from '../send-message.ts'

/** What stands in a request to the gate. */
export interface TestEvent {
  /** The path and query that it goes to: some schemes sign in the query. */
  readonly url: URL
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
}

export type Spoilt = Forgery | undefined

/** How to make events that a route admits, and others that it must not. */
export interface EventMaker {
  /** The check that is tried. */
  readonly check: string
  /** `GitHub under the secret "current"`. */
  readonly as: string
  /** What proves it: the headers that it is signed or let in by. */
  readonly headers: readonly string[]
  readonly forgeries: readonly Forgery[]
  /** Whether the right one gives away what lets in: a bare token. */
  readonly bare: boolean
  /** The kind of body that it is made of. */
  readonly bodies: BodyKind
  /**
   * @param origin what the service was given, as some schemes sign it
   * @throws VerbFault where the body can't be signed as the service signs
   */
  make(url: URL, origin: string, body: Buffer, forge: Spoilt): TestEvent
}

/** Why no event can be made. */
export class NoEvent {
  readonly because: string
  constructor(because: string) {
    this.because = because
  }
}

/** Bodies of one type. */
export interface BodyKind {
  readonly contentType: string
  /**
   * What the gate refuses once every check of the head and of the bytes has passed, so that it never reaches an upstream;
   * `undefined` where the signature is over fields, which then have to be readable.
   */
  readonly unforwardable: Buffer | undefined
  /** Marked for whoever sees it arrive. */
  marked(id: string): Buffer
}

const NOTE = 'test event, sent by sallyport doctor --send'

/** It names one member twice: valid to a reader that takes the last, and ambiguous to the gate. */
export const JSON_BODIES: BodyKind = {
  contentType: 'application/json',
  unforwardable: Buffer.from('{"sallyport-doctor":"probe","sallyport-doctor":"probe"}'),
  marked: id => Buffer.from(JSON.stringify({ 'sallyport-doctor': NOTE, id })),
}

/** A percent escape of what is no UTF-8. */
export const FORM_BODIES: BodyKind = {
  contentType: 'application/x-www-form-urlencoded',
  unforwardable: Buffer.from('sallyport-doctor=probe%FF'),
  marked: id => Buffer.from(new URLSearchParams({ 'sallyport-doctor': NOTE, id }).toString()),
}

export const READ_FORM_BODIES: BodyKind = { ...FORM_BODIES, unforwardable: undefined }
