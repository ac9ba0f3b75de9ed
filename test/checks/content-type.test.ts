import { describe, expect, it } from 'vitest'
import { contentType } from '../../src/checks/content-type.ts'
import { type DenyCase, testCheck } from './testCheck.ts'

const body = '{}'
const of = (type: string | readonly string[]) => ({ body, headers: { 'Content-Type': type } })
const refused = (
  name: string,
  type: string | readonly string[],
  because: string,
  accept?: readonly string[],
): DenyCase<'content-type.unsupported'> => ({
  name,
  ...(accept && { config: { accept } }),
  request: of(type),
  code: 'content-type.unsupported',
  evidence: { because },
})

testCheck(contentType, {
  allows: [
    { name: 'JSON', request: of('application/json') },
    { name: 'JSON in any case', request: of('Application/JSON; Charset="UTF-8"') },
    { name: 'US-ASCII JSON', request: of('application/json; charset=us-ascii') },
    { name: 'a +json type', request: of('application/cloudevents+json') },
    { name: 'an empty body without a type' },
    { name: 'a form', config: { accept: ['form'] }, request: of('application/x-www-form-urlencoded') },
    { name: 'a multipart form', config: { accept: ['multipart'] }, request: of('multipart/form-data; boundary=b') },
    { name: 'text', config: { accept: ['text'] }, request: of('text/plain; charset=iso-8859-1') },
    { name: 'a named type', config: { accept: ['Application/XML'] }, request: of('application/xml') },
    { name: 'anything', config: { accept: ['any'] }, request: of('image/png') },
    { name: 'a body without a type, where anything goes', config: { accept: ['any'] }, request: { body } },
  ],
  denies: [
    { ...refused('text for JSON', 'text/plain', 'not accepted'), headers: { Accept: 'application/json' } },
    refused('a longer name', 'application/jsonx', 'not accepted'),
    refused('a list', 'application/json, text/plain', 'malformed'),
    refused('two fields', ['application/json', 'application/json'], 'Content-Type came more than once'),
    refused('a parameter named twice', 'application/json; charset=utf-8; charset=utf-7', 'malformed'),
    refused('UTF-7', 'application/json; charset=utf-7', 'charset is not utf-8'),
    refused('UTF-16', 'application/json; charset=utf-16le', 'charset is not utf-8', ['any']),
    refused('a form in Latin 1', 'application/x-www-form-urlencoded; charset=iso-8859-1', 'charset is not utf-8', [
      'form',
    ]),
    refused('a multipart form without a boundary', 'multipart/form-data', 'no boundary', ['multipart']),
    refused('a +json type where only XML is named', 'application/a+json', 'not accepted', ['application/xml']),
    {
      name: 'a body without a type',
      request: { body },
      code: 'content-type.unsupported',
      evidence: { because: 'no Content-Type' },
    },
    {
      name: 'a chunked body without a type',
      request: { chunked: true },
      code: 'content-type.unsupported',
      evidence: { because: 'no Content-Type' },
    },
  ],
})

describe('content-type configuration', () => {
  it.each([[[]], [['xml']], [['application/*']], [['application/json; charset=utf-8']], [['a/b, c/d']]])(
    'refuses accept: %j',
    accept => {
      expect(contentType.config.safeParse({ accept }).success).toBe(false)
    },
  )
})
