import { describe, expect, it } from 'vitest'
import { Headers } from '../../src/core/headers.ts'
import { Template, TemplateFault } from '../../src/signing/template.ts'

const input = {
  method: 'PUT',
  publicUrl: 'https://hooks.example.com/in/7?a=1',
  path: '/in/7',
  query: 'a=1',
  raw: Buffer.from('<body>'),
  mediaType: undefined,
  headers: new Headers(['X-Tenant', 'blue', 'X-Twice', 'a', 'X-Twice', 'b']),
}
const fill = (text: string) => {
  const template = new Template(text)
  return `${template.before(input, '1700000000', 'evt_1')}<body>${template.after(input, '1700000000', 'evt_1')}`
}

describe('Template', () => {
  it.each([
    ['{body}', '<body>'],
    ['{timestamp}.{body}', '1700000000.<body>'],
    ['{id}.{timestamp}.{body}', 'evt_1.1700000000.<body>'],
    ['v0:{timestamp}:{body}:end', 'v0:1700000000:<body>:end'],
    ['{method}{url}{body}', 'PUThttps://hooks.example.com/in/7?a=1<body>'],
    ['{body}|{path}?{query}|{header:x-TENANT}', '<body>|/in/7?a=1|blue'],
    ['{header:X-Twice}{header:X-None}{body}', '<body>'],
  ])('fills %s', (text, filled) => {
    expect(fill(text)).toBe(filled)
  })

  it('writes its own text as signers do, in UTF-8', () => {
    const template = new Template('\u00fc\u20ac{body}')
    expect(Buffer.from(String(template.before(input, '', '')), 'latin1').toString('utf8')).toBe('\u00fc\u20ac')
  })

  it('names the headers that it needs', () => {
    expect(new Template('{header:X-A}{body}{header:X-B}{id}').headers).toEqual(['X-A', 'X-B'])
  })

  it.each([
    ['', '{body} is missing, and a signature without it would sign anything: add {body}'],
    ['{timestamp}', '{body} is missing, and a signature without it would sign anything: add {body}'],
    ['{body}{body}', '{body} stands there 2 times: leave one'],
    [
      '{body}{bdy}',
      '{bdy} is not known: use {body}, {timestamp}, {id}, {method}, {url}, {path}, {query}, {header:NAME}, {json:MEMBER}, {form:FIELD}, {form:sorted} or {sha256:body}',
    ],
    [
      '{body}{}',
      '{} is not known: use {body}, {timestamp}, {id}, {method}, {url}, {path}, {query}, {header:NAME}, {json:MEMBER}, {form:FIELD}, {form:sorted} or {sha256:body}',
    ],
    [
      '{body}{toString}',
      '{toString} is not known: use {body}, {timestamp}, {id}, {method}, {url}, {path}, {query}, {header:NAME}, {json:MEMBER}, {form:FIELD}, {form:sorted} or {sha256:body}',
    ],
    ['{body}{header:}', '{header:} names no header: write e.g. {header:X-Request-Id}'],
    ['{body}{header:X Y}', '{header:X Y} names no header: write e.g. {header:X-Request-Id}'],
    ['{body', 'a brace has no partner: write {name}, without braces inside'],
    ['{body}}', 'a brace has no partner: write {name}, without braces inside'],
    ['{{body}}', 'a brace has no partner: write {name}, without braces inside'],
  ])('refuses %s', (text, message) => {
    expect(() => new Template(text)).toThrow(new TemplateFault(message))
  })
})
