import { z } from 'zod'
import { defineCheck } from '../core/check.ts'
import { CODINGS, readCoding } from '../core/content-coding.ts'
import { ALLOW, deny } from '../core/decision.ts'
import { late } from '../core/late-schema.ts'
import { size } from '../core/units.ts'

const MAX = 1024 ** 2

export const contentEncoding = defineCheck({
  name: 'content-encoding',
  stage: 'head',
  summary:
    'Admits bodies compressed in one of the listed codings. They are decoded after every check of the bytes as sent, up to a size. Without this check a compressed body is refused.',
  example: 'content-encoding: { accept: [gzip, zstd], max: 4MiB }',
  config: late(() =>
    z.strictObject({
      accept: z
        .array(z.enum(CODINGS))
        .default([...CODINGS])
        .describe('gzip, br, zstd. Default: all three; an empty list admits no compressed body.'),
      max: size().default(MAX).describe('The largest body after decoding. Default 1MiB.'),
    }),
  ),
  denials: {
    'content-encoding.unsupported': {
      status: 415,
      title: 'Unsupported content encoding',
      meaning: 'The body is compressed in a coding that the route does not take, or in several.',
      remedy: 'Turn compression off in the sender, or add content-encoding with the coding that the evidence names.',
    },
  },
  create({ accept, max }) {
    // RFC 9110 section 12.5.3: a 415 because of the coding says which would do.
    const headers = [['Accept-Encoding', accept.length > 0 ? accept.join(', ') : 'identity']] as const
    const accepted: ReadonlySet<string | null> = new Set(accept)
    return {
      limits: accept.length > 0 ? { codings: accept, decoded: max } : { codings: accept },
      decide(request) {
        const coding = readCoding(request.headers)
        if (coding === undefined || accepted.has(coding)) return ALLOW
        const sent = request.headers.all('content-encoding').map(text => text.slice(0, 100))
        return deny('content-encoding.unsupported', { 'content-encoding': sent, accept }, headers)
      },
    }
  },
  explain: async (config, asked) =>
    (await import('./explain/content-encoding.ts')).explainContentEncoding(config, asked),
})
