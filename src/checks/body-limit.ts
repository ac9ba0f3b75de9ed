import { z } from 'zod'
import { defineCheck } from '../core/check.ts'
import { ALLOW, deny } from '../core/decision.ts'
import { late } from '../core/late-schema.ts'
import { size } from '../core/units.ts'

const MAX = 1024 ** 2

export const bodyLimit = defineCheck({
  name: 'body-limit',
  stage: 'head',
  summary:
    'Refuses bodies over a size: at once where Content-Length announces it, else as soon as that many bytes have come.',
  example: 'body-limit: { max: 512KiB }',
  config: late(() =>
    z.strictObject({
      max: size().default(MAX).describe('The largest body, as sent. Default 1MiB.'),
    }),
  ),
  denials: {
    'body-limit.exceeded': {
      status: 413,
      title: 'Body too large',
      meaning: 'The body is larger than the route takes; nothing of it was kept.',
      remedy: 'If the sender is genuine and needs it, raise max of body-limit; else ask the sender for smaller events.',
    },
  },
  create({ max }) {
    return {
      limits: { body: max },
      decide(request) {
        const announced = request.contentLength
        return announced === undefined || announced <= max
          ? ALLOW
          : deny('body-limit.exceeded', { 'content-length': announced, max })
      },
    }
  },
  explain: async (config, asked) => (await import('./explain/body-limit.ts')).explainBodyLimit(config, asked),
})
