import type { KeyObject } from 'node:crypto'
import type { BodyRequest } from '../../core/request.ts'
import type { AsymmetricDescription } from '../asymmetric.ts'
import { type AlgorithmChoice, isSignature, keyKindOf, operationOf } from '../operation.ts'
import type { Budget } from './budget.ts'
import type { Difference, Variant } from './difference.ts'
import { type Explanation, gathered } from './hmac-search.ts'
import { payloadVariants } from './payloads.ts'
import { placeDifferences } from './place-differences.ts'
import { isKeySignatureLength, signaturesIn } from './received.ts'

/** What a verification costs beside the hash, in bytes hashed. */
const KEY_WORK = 64 * 1024
/** Of the texts that look like signatures. */
const MOST_RECEIVED = 4

/** As `searchHmac`, for signatures by a private key. Each try is a verification, so the budget is spent sooner. */
export async function searchKeys(
  request: BodyRequest,
  description: AsymmetricDescription,
  keys: readonly Variant<KeyObject>[],
  cut: boolean,
  budget: Budget,
): Promise<readonly Explanation[]> {
  const received = signaturesIn(request, description, isKeySignatureLength).slice(0, MOST_RECEIVED)
  if (received.length === 0) return []
  const payloads = await gathered(payloadVariants(request, description, cut, budget), budget)
  for (const [key, choice, payload] of order(keys, choices(description), payloads)) {
    const { before, body, after } = payload.value
    const data = Buffer.concat([Buffer.from(before, 'latin1'), body, Buffer.from(after, 'latin1')])
    for (const found of received) {
      if (!budget.take(data.length + KEY_WORK)) return []
      await budget.breathe()
      if (holds(choice.value, key.value, data, found.bytes))
        return [[...key.differs, ...choice.differs, ...payload.differs, ...placeDifferences(found, description)]]
    }
  }
  return []
}

function holds(choice: AlgorithmChoice, key: KeyObject, data: Buffer, signature: Buffer): boolean {
  try {
    return isSignature(operationOf(choice), key, data, signature)
  } catch {
    // A key of another kind than the algorithm's.
    return false
  }
}

/** What differs in one thing first, then in two. */
function* order<A, B, C>(as: readonly Variant<A>[], bs: readonly Variant<B>[], cs: readonly Variant<C>[]) {
  const all = (differing: number) =>
    as.flatMap(a =>
      bs.flatMap(b =>
        cs
          .filter(c => [a, b, c].filter(({ differs }) => differs.length > 0).length === differing)
          .map(c => [a, b, c] as const),
      ),
    )
  for (const differing of [0, 1, 2]) yield* all(differing)
}

function choices(configured: AlgorithmChoice): readonly Variant<AlgorithmChoice>[] {
  const { algorithm, hash = 'sha256', ecdsaForm = 'der' } = configured
  const as = (value: AlgorithmChoice, words: string, mend: string): Variant<AlgorithmChoice> => ({
    value,
    differs: [{ cause: 'algorithm', phrase: words, mend } satisfies Difference],
  })
  const plain: Variant<AlgorithmChoice> = { value: configured, differs: [] }
  if (algorithm === 'ecdsa-p256') {
    const other = ecdsaForm === 'der' ? 'ieee-p1363' : 'der'
    return [
      plain,
      as(
        { ...configured, ecdsaForm: other },
        `with ECDSA written as ${other}`,
        `spell the scheme out with ecdsa-form: ${other}`,
      ),
    ]
  }
  if (keyKindOf(algorithm) !== 'rsa') return [plain]
  const rest: readonly AlgorithmChoice[] = [
    { algorithm: 'rsa-sha256' },
    { algorithm: 'rsa-pss', hash: 'sha256' },
    { algorithm: 'rsa-pss', hash: 'sha512' },
  ]
  const isConfigured = (one: AlgorithmChoice): boolean =>
    one.algorithm === algorithm && (algorithm === 'rsa-sha256' || one.hash === hash)
  return [
    plain,
    ...rest
      .filter(one => !isConfigured(one))
      .map(one =>
        as(
          one,
          one.algorithm === 'rsa-pss' ? `with RSA-PSS and ${one.hash}` : 'with RSA PKCS #1 v1.5 and SHA-256',
          `spell the scheme out with scheme: ${one.algorithm}${one.hash === undefined ? '' : ` and algorithm: ${one.hash}`}`,
        ),
      ),
  ]
}
