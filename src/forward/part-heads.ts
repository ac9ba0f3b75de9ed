const LINE_END = '\r\n'
const HEAD_END = '\r\n\r\n'

/** The fields of a part that are read; others mean nothing (RFC 7578 section 4.8). Lower case. */
const READ: ReadonlySet<string> = new Set(['content-disposition', 'content-type', 'content-transfer-encoding'])

/** A parameter as the platform's parser reads it, `*` apart (RFC 8187): where this finds none, it refuses the form or stops. */
const PARAMETER = /;?[\t ]*([\w!#$%&'+.^`|~-]+)(?:(\*)=[\t ]*[^ \r\n;]*|=[\t ]*(?:"[^"\r\n]*"|[\w!#$%&'*+.^`|~-]*))/y

/**
 * Whether a part of a multipart body says a thing twice, of which some parsers take the first and some the last: a field,
 * or a parameter of its Content-Disposition (RFC 6266 section 4.1), be it `name` and `name*`. Of `filename` and `filename*`
 * every parser that knows both takes the latter (RFC 6266 section 4.3).
 *
 * @param boundary of the Content-Type
 * @returns a sentence for the operator; `undefined` where nothing is said twice
 */
export function saidTwice(body: Buffer, boundary: string): string | undefined {
  const delimiter = Buffer.from(`--${boundary}`)
  let part = 0
  for (let at = body.indexOf(delimiter); at >= 0; at = body.indexOf(delimiter, at)) {
    const start = at + delimiter.length
    const end = body.indexOf(HEAD_END, start)
    // The last delimiter, or none: nothing behind it is read.
    if (end < 0 || body.toString('latin1', start, start + 2) !== LINE_END) return undefined
    part++
    const twice = twiceInHead(body.toString('latin1', start + 2, end))
    if (twice !== undefined) return `part ${part} of the multipart body has the ${twice} twice`
    at = end
  }
  return undefined
}

function twiceInHead(head: string): string | undefined {
  const seen = new Set<string>()
  for (const line of head.split(LINE_END)) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).trim().toLowerCase()
    if (!READ.has(name)) continue
    if (seen.has(name)) return `field ${name}`
    seen.add(name)
    const parameter = name === 'content-disposition' ? twiceInDisposition(line.slice(colon + 1)) : undefined
    if (parameter !== undefined) return `parameter ${parameter}`
  }
  return undefined
}

function twiceInDisposition(value: string): string | undefined {
  const seen = new Set<string>()
  PARAMETER.lastIndex = /^[\t ]*form-data/i.exec(value)?.[0].length ?? value.length
  for (let match = PARAMETER.exec(value); match !== null; match = PARAMETER.exec(value)) {
    const name = (match[1] ?? '').toLowerCase()
    // RFC 7578 knows no `name*`: some read it, and some do not.
    const key = name === 'name' ? name : name + (match[2] ?? '')
    if (seen.has(key)) return key
    seen.add(key)
  }
  return undefined
}
