/** One block of a PEM file (RFC 7468). */
export interface PemBlock {
  /** The label, e.g. `CERTIFICATE`. */
  readonly label: string
  readonly der: Buffer
}

/** With what headers it has. */
const KEY = /-----BEGIN ((?:[A-Z0-9]+ )?PRIVATE KEY)-----[\s\S]*?-----END \1-----/g
const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,64})-----([A-Za-z0-9+/=\s]*)-----END \1-----/g

/** The blocks of a PEM text, in order; text between them is skipped. Keys with headers (encrypted, PKCS#1) are not read. */
export function decodePem(text: string): PemBlock[] {
  return Array.from(text.matchAll(BLOCK), match => ({
    label: match[1] ?? '',
    der: Buffer.from((match[2] ?? '').replace(/\s+/g, ''), 'base64'),
  }))
}

/** One PEM block with 64 characters a line and a line end. */
export function encodePem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

/** The private keys of a PEM text, each as OpenSSL reads it: it takes no blanks before a line, which indented text brings along. */
export function privateKeysIn(text: string): string[] {
  return Array.from(text.matchAll(KEY), ([pem]) => {
    const [block] = decodePem(pem)
    return block ? encodePem(block.label, block.der) : pem.replace(/^[ \t]+/gm, '')
  })
}
