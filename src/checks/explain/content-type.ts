import type { Explaining } from '../../core/captured.ts'
import type { Finding } from '../../core/finding.ts'
import { parseMediaType } from '../../core/media-type.ts'
import { bodyForm } from './body-form.ts'
import { likely, listed, proven } from './finding.ts'

interface ContentTypeConfig {
  readonly accept: readonly string[]
}

const MOST_LOOKED_AT = 64 * 1024
const FORM = 'application/x-www-form-urlencoded'
const WORDS: Readonly<Record<string, string>> = {
  json: 'JSON',
  form: 'a form',
  xml: 'XML',
  multipart: 'multipart/form-data',
}

/** What the sender says that the body is, what it is, and which of the two to mend. */
export function explainContentType(
  { accept }: ContentTypeConfig,
  { request, refusal }: Explaining<ContentTypeConfig>,
): readonly Finding[] {
  const values = request.headers.all('content-type')
  const [value = ''] = values
  const because = String(refusal.evidence?.because ?? '')
  const form = bodyForm(request.raw)
  const evidence = {
    'content-type': value.slice(0, 100),
    accept,
    ...(form === 'empty' || form === 'unknown' ? {} : { body: form }),
  }
  const tell = (make: typeof proven, cause: string, said: string, mend: string): readonly Finding[] => [
    make({ cause: `content-type.${cause}`, because: said, evidence, mend }),
  ]
  const isJson = form === 'json' && accept.includes('json')
  if (values.length === 0)
    return tell(
      proven,
      'missing',
      `there is no Content-Type${WORDS[form] === undefined ? '' : `, and the body is ${WORDS[form]}`}`,
      `let the sender write Content-Type: ${isJson || !WORDS[form] ? 'application/json' : form === 'form' ? FORM : 'the type of its body'}; where it can't, set accept: [any]`,
    )
  if (values.length > 1)
    return tell(
      proven,
      'twice',
      `Content-Type comes ${values.length} times: ${listed(values.map(each => each.slice(0, 60)))}`,
      'a proxy adds its own: let it leave the field alone',
    )
  if (because === 'malformed') {
    const comma = value.includes(',')
    return tell(
      proven,
      'malformed',
      comma
        ? 'Content-Type holds two types with a comma between them: two fields were joined'
        : 'Content-Type is no media type',
      'let the sender write application/json',
    )
  }
  if (because === 'charset is not utf-8')
    return tell(
      proven,
      'charset',
      `the sender announces the charset ${parseMediaType(value)?.charset ?? ''}, and JSON and forms are taken in UTF-8 alone`,
      'let the sender encode the body as UTF-8 and say so, or leave charset out',
    )
  if (because === 'no boundary')
    return tell(
      proven,
      'boundary',
      'multipart/form-data names no boundary: the header was set by hand',
      "let the sender's HTTP library write Content-Type itself",
    )
  const essence = parseMediaType(value)?.essence ?? value
  if (isJson && /^[{[][^\n]*[}\]]\r?\n\s*[{[]/.test(request.raw.toString('utf8', 0, MOST_LOOKED_AT)))
    return tell(
      proven,
      'json-lines',
      `the body is several JSON texts, one a line (${essence})`,
      'let the sender send one event a request, or an array of them as application/json',
    )
  if (isJson)
    return tell(
      proven,
      'json-as-other',
      `the body is JSON, and the sender calls it ${essence}`,
      'let the sender write Content-Type: application/json',
    )
  const field = /^(\w+)=%7B/i.exec(request.raw.toString('latin1', 0, 64))?.[1]
  if (form === 'form' && field !== undefined)
    return tell(
      proven,
      'form',
      `the sender sends a form whose field ${field} holds the JSON`,
      'set the content type of the webhook to application/json in the service (GitHub: Settings, Webhooks)',
    )
  if (essence === FORM || form === 'form')
    return tell(
      form === 'form' || form === 'empty' ? proven : likely,
      'form',
      'the sender sends a form',
      'set accept: [json, form]: a form is forwarded as JSON; or switch the webhook to JSON in the service',
    )
  if (essence === 'multipart/form-data')
    return tell(
      proven,
      'multipart',
      'the sender sends multipart/form-data',
      'add multipart to accept, or switch the sender to JSON',
    )
  if (/\/xml$|\+xml$/.test(essence))
    return tell(
      proven,
      'xml',
      `the sender sends XML (${essence})`,
      `switch the webhook to JSON in the service, or add ${essence} to accept`,
    )
  return tell(
    proven,
    'other',
    `the sender sends ${essence}, which accept does not list`,
    `add ${essence} to accept, or let the sender use one of ${accept.join(', ')}`,
  )
}
