/** What a service asks of an endpoint before it sends events, or now and then. */
export type Challenge = SignedChallenge | Handshake

interface Described {
  /** The page that describes it. */
  readonly page: string
  /** What comes and what is answered, one sentence. */
  readonly summary: string
}

/** Comes as an event with a signature of its own; answered once that has verified. */
export interface SignedChallenge extends Described {
  readonly kind: 'signed'
  /**
   * The answer to an event that verified; `undefined` where it is an ordinary one. What is signed has a form that no
   * signed message has, so that the answer never serves as a signature.
   */
  answer(event: VerifiedEvent): Answer | 'malformed' | undefined
}

export interface VerifiedEvent {
  readonly body: unknown
  readonly headers: Greeting['headers']
  /** The secret that it verified under; `undefined` where a public key did. */
  readonly key: Buffer | undefined
}

/** Comes without a signature, because there is no secret yet or the service signs events only. */
export interface Handshake extends Described {
  readonly kind: 'handshake'
  /** What keeps strangers from being answered; a setting of the check. */
  readonly needs: 'verify-token' | 'open-until' | 'origins' | 'topics'
  /** Whether the service hands its secret over, to be kept in a file. */
  readonly pairs: boolean
  /** The method that it comes with; where it is not the route's own, it reaches the handshake and nothing else. */
  readonly method: 'GET' | 'HEAD' | 'POST' | 'OPTIONS'
  /** What the head asks; `body` where the body says it; `undefined` where it is no handshake. */
  read(request: Greeting): Asked | 'body' | 'malformed' | undefined
  /** What a JSON body asks. */
  readBody?(body: unknown): Asked | 'malformed'
}

/** What a handshake sees of a request. */
export interface Greeting {
  readonly query: string
  readonly headers: { one(name: string): string | null | undefined }
}

export interface Asked {
  /** A function where the answer is made with the first secret of the route's signature. */
  readonly answer: Answer | ((key: Buffer) => Answer)
  /** What must be the operator's own: a verify token, an origin, a topic. */
  readonly shows?: string
  /** The secret that the service hands over. */
  readonly secret?: string
}

export interface Answer {
  /** Default 200. */
  readonly status?: 204
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

/** Text that no browser takes for a page. */
export function plainAnswer(body: string): Answer {
  return {
    headers: [
      ['Content-Type', 'text/plain; charset=utf-8'],
      ['X-Content-Type-Options', 'nosniff'],
    ],
    body,
  }
}

export const emptyAnswer = (...headers: (readonly [string, string])[]): Answer => ({ headers, body: '' })

/** Parameters that must each be there exactly once. `undefined` where one is missing, `malformed` where it comes twice. */
export function readQuery<Name extends string>(
  query: string,
  ...names: readonly Name[]
): Readonly<Record<Name, string>> | 'malformed' | undefined {
  const all = new URLSearchParams(query)
  const found: Partial<Record<Name, string>> = {}
  for (const name of names) {
    const [value, second] = all.getAll(name)
    if (value === undefined) return undefined
    if (second !== undefined) return 'malformed'
    found[name] = value
  }
  return found as Record<Name, string>
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
