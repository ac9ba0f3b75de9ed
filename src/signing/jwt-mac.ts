import { timingSafeEqual } from 'node:crypto'
import { decodeInto } from './encoding.ts'
import type { Jws } from './jws.ts'
import type { JwtProof, JwtProver, JwtSigning } from './jwt-signing.ts'
import { MAC_BYTES, MacKey } from './mac.ts'
import { fault, type SignatureFault, type SigningKey, triedKeys } from './scheme.ts'

/** RFC 7518 section 3.2, under one and the same secret. */
const MACS = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' } as const
type MacAlgorithm = keyof typeof MACS

const NOTHING = Buffer.alloc(0)

/** Tokens under a shared secret. */
export function jwtMac(...algorithms: readonly [MacAlgorithm, ...MacAlgorithm[]]): JwtSigning {
  const [first] = algorithms
  return {
    algorithms,
    prover: (keys, header) => new MacProver(algorithms, keys, header),
    head: () => ({}),
    sign: (key, text) => new MacKey(MACS[first], key).mac(text, NOTHING, ''),
  }
}

class MacProver implements JwtProver {
  readonly #keys: readonly SigningKey[]
  readonly #header: string
  readonly #bytes: ReadonlyMap<string, number>
  readonly #macs: readonly { readonly key: SigningKey; readonly macs: ReadonlyMap<string, MacKey> }[]

  constructor(algorithms: readonly MacAlgorithm[], keys: readonly SigningKey[], header: string) {
    this.#keys = keys
    this.#header = header
    this.#bytes = new Map(algorithms.map(name => [name, MAC_BYTES[MACS[name]]]))
    this.#macs = keys.map(key => ({
      key,
      macs: new Map(algorithms.map(name => [name, new MacKey(MACS[name], key.bytes)])),
    }))
  }

  prove({ alg, compact }: Jws, nowMs: number): JwtProof | SignatureFault {
    const header = this.#header
    const dot = compact.lastIndexOf('.')
    const sent = Buffer.alloc(this.#bytes.get(alg) ?? 0)
    if (!decodeInto('base64url', compact, dot + 1, compact.length, sent))
      return fault('signature.malformed', { header, why: `its signature is not one of ${alg}` })
    const text = compact.slice(0, dot)
    for (const { key, macs } of this.#macs) {
      if (key.expires !== undefined && key.expires < nowMs) continue
      const mac = macs.get(alg)?.mac(text, NOTHING, '')
      if (mac && timingSafeEqual(mac, sent)) return { key: key.name, nonce: mac.toString('hex') }
    }
    return fault('signature.mismatch', { header, ...triedKeys(this.#keys, nowMs) })
  }
}
