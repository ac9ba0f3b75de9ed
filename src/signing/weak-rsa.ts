/** RSA keys that anyone can break, and that a JSON Web Signature must not be trusted by (RFC 7518 section 3.3). */

const LEAST_BITS = 2048
/** Verifying costs the square of this: more is a burden that no issuer needs. */
const MOST_BITS = 8192

const PRIMES = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113,
  127, 131, 137, 139, 149, 151, 157, 163, 167,
]

/** For each prime, the powers of 65537 modulo it. */
const POWERS = PRIMES.map(prime => {
  const powers = new Set<number>()
  for (let power = 1; !powers.has(power); power = (power * 65537) % prime) powers.add(power)
  return { prime: BigInt(prime), powers }
})

/** Why a public key of this modulus and exponent is not to be trusted; `undefined` where nothing is known against it. */
export function weaknessOf(modulus: bigint, exponent: bigint): string | undefined {
  const bits = modulus.toString(2).length
  if (bits < LEAST_BITS) return `RSA of ${bits} bits, fewer than ${LEAST_BITS}`
  if (bits > MOST_BITS) return `RSA of ${bits} bits, more than ${MOST_BITS}`
  if (exponent < 3n || exponent % 2n === 0n) return `RSA with the exponent ${exponent}`
  if (hasRocaFingerprint(modulus)) return 'RSA made by a faulty chip (ROCA, CVE-2017-15361)'
  return undefined
}

/** The chip's primes are powers of 65537 modulo small primes; a random modulus is one for all of them by chance never. */
function hasRocaFingerprint(modulus: bigint): boolean {
  return POWERS.every(({ prime, powers }) => powers.has(Number(modulus % prime)))
}
