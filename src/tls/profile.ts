import { constants } from 'node:crypto'
import { createSecureContext, type SecureContextOptions } from 'node:tls'

export type TlsProfile = 'intermediate' | 'modern'

const TLS13 = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256']
// The profile's DHE suites are left out: they need parameters of their own, and every client that has them has ECDHE.
const TLS12 = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
]
const GROUPS = ['X25519', 'P-256', 'P-384']
const HYBRID_GROUP = 'X25519MLKEM768'

/**
 * Mozilla's Server Side TLS profiles, https://wiki.mozilla.org/Security/Server_Side_TLS, with the hybrid key exchange
 * first where the TLS library has it. Without renegotiation and compression.
 */
export function profileOptions(profile: TlsProfile): SecureContextOptions {
  return {
    minVersion: profile === 'modern' ? 'TLSv1.3' : 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    ciphers: [...TLS13, ...(profile === 'modern' ? [] : TLS12)].join(':'),
    ecdhCurve: [...(hasHybridGroup() ? [HYBRID_GROUP] : []), ...GROUPS].join(':'),
    // Ours, which is AES-128 first; a client that puts ChaCha20 first, as those without AES in hardware do, gets that.
    honorCipherOrder: true,
    secureOptions:
      constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION | constants.SSL_OP_PRIORITIZE_CHACHA,
  }
}

let hybrid: boolean | undefined

function hasHybridGroup(): boolean {
  if (hybrid === undefined) {
    try {
      createSecureContext({ ecdhCurve: HYBRID_GROUP })
      hybrid = true
    } catch {
      hybrid = false
    }
  }
  return hybrid
}
