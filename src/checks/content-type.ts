import { z } from 'zod'
import { defineCheck } from '../core/check.ts'
import { ALLOW, deny } from '../core/decision.ts'
import { late } from '../core/late-schema.ts'
import { isJson, type MediaType, parseMediaType } from '../core/media-type.ts'
import type { HeadRequest } from '../core/request.ts'

const WORDS = ['json', 'form', 'multipart', 'text', 'any'] as const
const FORM = 'application/x-www-form-urlencoded'
const MULTIPART = 'multipart/form-data'
const ESSENCE: Readonly<Record<string, string>> = {
  json: 'application/json',
  form: FORM,
  multipart: MULTIPART,
  text: 'text/plain',
  any: '*/*',
}

const accepted = z.union([
  z.enum(WORDS),
  z
    .string()
    .transform(text => text.toLowerCase())
    .refine(
      text => parseMediaType(text)?.essence === text && !text.includes('*'),
      `is neither a media type such as application/xml nor one of ${WORDS.join(', ')}`,
    ),
])

export const contentType = defineCheck({
  name: 'content-type',
  stage: 'head',
  summary:
    'Admits the listed types of body. A body that is read as JSON or a form must be UTF-8; an empty body needs no type.',
  example: 'content-type: { accept: [json, form] }',
  config: late(() =>
    z.strictObject({
      accept: z
        .array(accepted)
        .min(1, 'an empty list admits nobody: name at least one type')
        .default(['json'])
        .describe('json (also every +json type), form, multipart, text, any, or media types. Default [json].'),
    }),
  ),
  denials: {
    'content-type.unsupported': {
      status: 415,
      title: 'Unsupported content type',
      meaning:
        'The Content-Type is missing, malformed, sent twice, in a charset other than UTF-8, or not one in accept.',
      remedy: 'Let the sender use a type that accept lists, or add the type that it uses to accept.',
    },
  },
  create({ accept }) {
    const any = accept.includes('any')
    const json = any || accept.includes('json')
    const essences = new Set(accept.map(one => ESSENCE[one] ?? one))
    // RFC 9110 section 12.5.1: in a response, Accept tells what a later request may carry.
    const headers = [['Accept', [...essences].join(', ')]] as const
    const refuse = (request: HeadRequest, because: string) =>
      deny(
        'content-type.unsupported',
        { because, 'content-type': request.headers.all('content-type').map(clip), accept },
        headers,
      )
    return {
      decide(request) {
        const type = request.mediaType
        if (request.headers.one('content-type') === undefined) {
          if (any || isEmpty(request)) return ALLOW
          return refuse(request, 'no Content-Type')
        }
        if (request.headers.one('content-type') === null) return refuse(request, 'Content-Type came more than once')
        if (!type) return refuse(request, 'malformed')
        const readsJson = isJson(type)
        if (!any && !(readsJson && json) && !essences.has(type.essence)) return refuse(request, 'not accepted')
        if (type.essence === MULTIPART && type.boundary === undefined) return refuse(request, 'no boundary')
        if ((readsJson || type.essence === FORM || type.essence === MULTIPART) && !isUtf8(type))
          return refuse(request, 'charset is not utf-8')
        return ALLOW
      },
    }
  },
  explain: async (config, asked) => (await import('./explain/content-type.ts')).explainContentType(config, asked),
})

function isEmpty(request: HeadRequest): boolean {
  return (request.contentLength ?? 0) === 0 && !request.headers.has('transfer-encoding')
}

/** US-ASCII is a part of UTF-8; RFC 8259 section 8.1 allows JSON nothing else. */
function isUtf8(type: MediaType): boolean {
  return (
    type.charset === undefined || type.charset === 'utf-8' || type.charset === 'utf8' || type.charset === 'us-ascii'
  )
}

const clip = (text: string): string => (text.length > 100 ? `${text.slice(0, 100)}...` : text)
