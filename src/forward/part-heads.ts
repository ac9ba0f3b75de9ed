import { isUtf8 } from 'node:buffer'

const LINE_END = '\r\n'
const HEAD_END = '\r\n\r\n'

/** The fields of a part that are read; others mean nothing (RFC 7578 section 4.8). Lower case. */
const READ: ReadonlySet<string> = new Set(['content-disposition', 'content-type', 'content-transfer-encoding'])

/** Encodings that leave bytes as they are (RFC 2045 section 6.2). Lower case. */
const PLAIN: ReadonlySet<string> = new Set(['', '7bit', '8bit', 'binary'])
/** The one that the platform's parser undoes; it knows it in this spelling alone. */
const BASE64 = 'base64'

/** A parameter as the platform's parser reads it, `*` apart (RFC 8187): where this finds none, it refuses the form or stops. */
const PARAMETER = /;?[\t ]*([\w!#$%&'+.^`|~-]+)(?:(\*)=[\t ]*[^ \r\n;]*|=[\t ]*(?:"[^"\r\n]*"|[\w!#$%&'*+.^`|~-]*))/y

/**
 * What is wrong with a multipart body that the platform's parser would not mind. A part that says a thing twice, of which some
 * parsers take the first and some the last: a field, or a parameter of its Content-Disposition (RFC 6266 section 4.1), be it
 * `name` and `name*`. Of `filename` and `filename*` every parser that knows both takes the latter (RFC 6266 section 4.3).
 * Text that is not UTF-8, of which it would replace what it can't read, be it as it came or in base64. Base64 of which it would
 * leave out what is none. And another Content-Transfer-Encoding (RFC 7578 section 4.7), which it would not undo.
 *
 * @param boundary of the Content-Type
 * @returns a sentence for the operator; `undefined` where nothing is wrong
 */
export function faultOfParts(body: Buffer, boundary: string): string | undefined {
  const delimiter = Buffer.from(`--${boundary}`)
  let part = 0
  for (let at = body.indexOf(delimiter); at >= 0; at = body.indexOf(delimiter, at)) {
    const start = at + delimiter.length
    const end = body.indexOf(HEAD_END, start)
    // The last delimiter, or none: nothing behind it is read.
    if (end < 0 || body.toString('latin1', start, start + 2) !== LINE_END) return undefined
    part++
    const { twice, isFile, encoding } = readPartHead(body.toString('latin1', start + 2, end))
    if (twice !== undefined) return `part ${part} of the multipart body has the ${twice} twice`
    const next = body.indexOf(delimiter, end)
    // What a file holds is bytes; its head is text, as all of a field is.
    const text = body.subarray(start, isFile || next < 0 ? end : next)
    if (!isUtf8(text)) return `part ${part} of the multipart body holds bytes that are not UTF-8`
    if (!PLAIN.has(encoding.toLowerCase())) {
      const value = body.subarray(end + HEAD_END.length, next < 0 ? body.length : next - LINE_END.length)
      const wrong =
        encoding === BASE64
          ? faultOfBase64(value, isFile)
          : 'has a Content-Transfer-Encoding that some parsers undo and some do not'
      if (wrong !== undefined) return `part ${part} of the multipart body ${wrong}`
    }
    at = end
  }
  return undefined
}

function faultOfBase64(value: Buffer, isFile: boolean): string | undefined {
  const written = value.toString('latin1').replaceAll(LINE_END, '')
  const decoded = Buffer.from(written, 'base64')
  // Whatever the decoder has skipped or made up does not come back.
  if (decoded.toString('base64') !== written) return 'says that it is base64, and is none'
  return isFile || isUtf8(decoded) ? undefined : 'holds base64 of bytes that are not UTF-8'
}

interface PartHead {
  readonly twice?: string
  readonly isFile: boolean
  /** Of its Content-Transfer-Encoding; empty: it has none. */
  readonly encoding: string
}

function readPartHead(head: string): PartHead {
  const seen = new Set<string>()
  let isFile = false
  let encoding = ''
  for (const line of head.split(LINE_END)) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).trim().toLowerCase()
    if (!READ.has(name)) continue
    if (seen.has(name)) return { twice: `field ${name}`, isFile, encoding }
    seen.add(name)
    if (name === 'content-transfer-encoding') encoding = line.slice(colon + 1).trim()
    if (name !== 'content-disposition') continue
    const { twice, names } = readDisposition(line.slice(colon + 1))
    if (twice !== undefined) return { twice: `parameter ${twice}`, isFile, encoding }
    isFile = names.has('filename') || names.has('filename*')
  }
  return { isFile, encoding }
}

function readDisposition(value: string): { readonly twice?: string; readonly names: ReadonlySet<string> } {
  const seen = new Set<string>()
  PARAMETER.lastIndex = /^[\t ]*form-data/i.exec(value)?.[0].length ?? value.length
  for (let match = PARAMETER.exec(value); match !== null; match = PARAMETER.exec(value)) {
    const name = (match[1] ?? '').toLowerCase()
    // RFC 7578 knows no `name*`: some read it, and some do not.
    const key = name === 'name' ? name : name + (match[2] ?? '')
    if (seen.has(key)) return { twice: key, names: seen }
    seen.add(key)
  }
  return { names: seen }
}
