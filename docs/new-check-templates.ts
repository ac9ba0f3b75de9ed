/** The files that `npm run new:check` writes. */

export const checkTemplate = (name: string, constant: string): string => `import { z } from 'zod'
import { defineCheck } from '../core/check.ts'
import { ALLOW, deny } from '../core/decision.ts'
import { proven } from './explain/finding.ts'

export const ${constant} = defineCheck({
  name: '${name}',
  stage: 'head',
  summary: 'Refuses requests without a header field.',
  example: '${name}: { header: X-Example }',
  config: z.strictObject({
    header: z
      .string()
      .regex(/^[A-Za-z0-9-]+$/, 'is no header name')
      .describe('The field that a request has to have, once.'),
  }),
  denials: {
    '${name}.missing': {
      status: 403,
      title: 'Header missing',
      meaning: 'The request does not have the header field that the route demands, or has it more than once.',
      remedy: 'Let the sender add the field once, or take the check from the route.',
    },
  },
  create({ header }) {
    const field = header.toLowerCase()
    return {
      decide: request =>
        typeof request.headers.one(field) === 'string' ? ALLOW : deny('${name}.missing', { header: field }),
    }
  },
  explain({ header }, { request }) {
    const times = request.headers.all(header.toLowerCase()).length
    if (times < 2) return []
    return [
      proven({
        cause: '${name}.twice',
        because: \`the field came \${times} times\`,
        evidence: { header, times },
        mend: 'let the sender, or what stands in front, write it once',
      }),
    ]
  },
})
`

export const testTemplate = (
  name: string,
  constant: string,
): string => `import { ${constant} } from '../../src/checks/${name}.ts'
import { testCheck } from './testCheck.ts'

const config = { header: 'X-Example' }

testCheck(${constant}, {
  allows: [{ name: 'a request with the field', config, request: { headers: { 'x-example': 'here' } } }],
  denies: [
    { name: 'one without it', config, code: '${name}.missing', evidence: { header: 'x-example' } },
    { name: 'one with two', config, request: { headers: { 'X-Example': ['a', 'b'] } }, code: '${name}.missing' },
  ],
})
`

export const goldenTemplate = (name: string): string => `listeners:
  - name: public
    bind: 127.0.0.1:8080

routes:
  - name: example
    match: { path: /hooks/example }
    checks:
      - source-ip: { allow: [192.0.2.0/24] }
      - ${name}: { header: X-Example }
    forward: { to: http://127.0.0.1:3000/example }
`
