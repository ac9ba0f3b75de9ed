import type { BodyRequest } from '../../core/request.ts'
import type { Resources } from '../../core/resources.ts'
import type { Secret } from '../../core/secret.ts'
import { providers } from '../index.ts'
import type { Provider } from '../provider.ts'
import type { Scheme } from '../scheme.ts'
import type { Budget } from './budget.ts'

/** A provider whose headers the request carries, and whether one of the secrets verifies by its scheme. */
export interface OtherProvider {
  readonly provider: Provider
  /** Those of its headers that are there. */
  readonly headers: readonly string[]
  readonly verifies: boolean
}

/** Those that verify first. A provider whose headers are those of the route's own scheme counts where it verifies alone. */
export function otherProviders(
  request: BodyRequest,
  own: Pick<Scheme, 'headers'>,
  ownId: string | undefined,
  secrets: readonly Secret[],
  resources: Resources,
  budget: Budget,
): readonly OtherProvider[] {
  const ours = new Set(own.headers.map(header => header.toLowerCase()))
  const found: OtherProvider[] = []
  for (const provider of providers) {
    if (provider.id === ownId) continue
    const { headers } = provider.scheme
    const there = headers.filter(header => request.headers.has(header.toLowerCase()))
    if (there.length === 0) continue
    const verifies = secrets.some(secret => holds(provider, secret, request, resources, budget))
    const distinct = there.some(header => !ours.has(header.toLowerCase()))
    if (verifies || (distinct && signatureHeaderIsThere(provider, there)))
      found.push({ provider, headers: there, verifies })
  }
  const weight = ({ provider, headers, verifies }: OtherProvider): number =>
    Number(verifies) * 100 + Number(isNamed(provider, headers)) * 10 + Math.min(headers.length, 9)
  return found.sort((a, b) => weight(b) - weight(a))
}

/** Services that sign alike are told apart by whose name the header has. */
const isNamed = ({ id }: Provider, headers: readonly string[]): boolean =>
  headers.some(header => header.toLowerCase().includes(id))

/** Several services number or date their requests in fields of one name; what they sign in is their own. */
function signatureHeaderIsThere(provider: Provider, there: readonly string[]): boolean {
  const carriers = carriersOf(provider).filter(header => there.includes(header))
  return carriers.length > 0 && (isNamed(provider, carriers) || carriers.some(isTelling))
}

const carriersOf = ({ scheme }: Provider): readonly string[] =>
  scheme.described?.flatMap(({ header }) => header ?? []) ?? scheme.headers.slice(0, 1)

/** One service's own: a name that anybody may give, or that several have, tells nothing. */
function isTelling(header: string): boolean {
  if (/^(x-)?(webhook-|hook-|hub-|request-|content-)?(signature|hmac|digest)(-256|-sha256)?$/i.test(header))
    return false
  return providers.filter(provider => carriersOf(provider).includes(header)).length === 1
}

function holds(
  { scheme, secret: form }: Provider,
  secret: Secret,
  request: BodyRequest,
  resources: Resources,
  budget: Budget,
): boolean {
  if (form === undefined || !budget.take(request.raw.length)) return false
  try {
    const key = { name: 'tried', bytes: form.parse(secret), expires: undefined }
    const verdict = scheme.verifier([key], undefined, resources).verify(request, request.receivedAt)
    return !(verdict instanceof Promise) && verdict.ok
  } catch {
    // A secret of another form than this provider's.
    return false
  }
}
