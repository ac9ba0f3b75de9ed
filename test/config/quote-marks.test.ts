import { describe, expect, it } from 'vitest'
import { readYaml } from '../../src/config/full-yaml.ts'

const found = (text: string) => readYaml(text).spots.map(({ start, message }) => `${start} ${message.slice(0, 20)}`)

describe('quotes', () => {
  it.each([
    ['a: "b\nc: d\n', 3],
    ["a: 'b\nc: d\n", 3],
    ["a: 'it''s\n", 3],
    ['a: "b\\"\n', 3],
    ['a: "b\\\\\\"\n', 3],
    ['a: "\n', 3],
    ['a: { b: "c }\nd: e\n', 8],
    ['a: ["b", "c]\n', 9],
    ['"a: b\n', 0],
    ['- "a\n- b\n', 2],
  ])('that are opened in %j and not closed are told where they are opened', (text, start) => {
    expect(found(text)).toEqual([`${start} YAML: a quote (${text[start]}) is`.slice(0, 20 + `${start} `.length)])
  })

  it.each([
    'a: "b"\n',
    "a: 'it''s'\n",
    "a: ''''\n",
    'a: ""\n',
    'a: "b\\""\n',
    'a: "b\\\\"\n',
    'a: "b\n  c"\n',
    'a: b"c\n',
    "a: it's\n",
    'a: |\n  "b\n',
    "a: >-\n  'b\n",
    'a: b # "c\n',
    '"a": b\n',
    'a: |\n  “b”\n',
    'a: “b” is a letter\n',
    'a: the “b”\n',
    'a: "“b”"\n',
    '# “b”\na: b\n',
  ])('of %j are fine', text => expect(found(text)).toEqual([]))

  it.each([
    ['a: “b”\n', 3],
    ['a: „b c“\n', 3],
    ['a: ‘b’\n', 3],
    ['a: «b»\n', 3],
    ['“a”: b\n', 0],
    ['a: { b: “c” }\n', 8],
    ['- “b”\n', 2],
    ['a: “b\n', 3],
    ['a: |\n  text\nb: “c”\n', 15],
  ])('of a word processor in %j are told', (text, start) => {
    expect(found(text)).toEqual([`${start} typographic quotes s`])
  })
})
