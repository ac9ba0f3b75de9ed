/** What a body's first bytes look like. */
export type BodyForm = 'json' | 'form' | 'xml' | 'multipart' | 'gzip' | 'zstd' | 'empty' | 'unknown'

export function bodyForm(raw: Buffer): BodyForm {
  if (raw.length === 0) return 'empty'
  if (raw[0] === 0x1f && raw[1] === 0x8b) return 'gzip'
  if (raw.length >= 4 && raw.readUInt32LE(0) === 0xfd2fb528) return 'zstd'
  const text = raw
    .toString('latin1', 0, 512)
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart()
  if (/^[{[]/.test(text)) return 'json'
  if (text.startsWith('<')) return 'xml'
  if (/^--[\w'()+,./:=?-]{1,70}\r?\n/.test(text)) return 'multipart'
  return /^[\w.~%+*[\]-]+=/.test(text) ? 'form' : 'unknown'
}
