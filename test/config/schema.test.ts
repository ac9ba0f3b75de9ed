import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { checkKinds } from '../../src/checks/index.ts'
import { configSchema } from '../../src/config/schema.ts'
import { kinds } from './kinds.ts'

const GOLDEN = join(import.meta.dirname, '../golden')
const validate = new Ajv2020({ strict: true, allowUnionTypes: true, strictRequired: false, allErrors: true }).compile(
  configSchema(kinds),
)
const read = (path: string): unknown => parse(readFileSync(join(GOLDEN, path), 'utf8'))

describe('the JSON Schema for editors', () => {
  it.each(readdirSync(join(GOLDEN, 'good')).filter(name => name.endsWith('.yaml')))('takes %s', name => {
    expect(validate(read(`good/${name}`)), JSON.stringify(validate.errors)).toBe(true)
  })

  it.each([
    'unknown-key',
    'unknown-check',
    'types',
    'units',
    'missing-keys',
    'methods',
    'literal-secrets',
    'workers',
    'no-routes',
    'signature-unions',
  ])('refuses %s.yaml, as the loader does', name => {
    expect(validate(read(`bad/${name}.yaml`))).toBe(false)
  })

  it('writes defaults in the units of the file', () => {
    const text = JSON.stringify(configSchema(kinds))
    expect(text).toContain('"default":"10s"')
    expect(text).toContain('"default":"16KiB"')
    expect(text).not.toMatch(/"default":\d{5,}(?!\d*,"description":"Connections)/)
  })

  it('describes every key of the file itself', () => {
    const bare: string[] = []
    const walk = (schema: unknown, path: string): void => {
      if (typeof schema !== 'object' || schema === null) return
      for (const [key, child] of Object.entries('properties' in schema ? Object(schema.properties) : {})) {
        if (key === 'checks') continue
        if (typeof child === 'object' && child !== null && !('description' in child)) bare.push(`${path}.${key}`)
        walk(child, `${path}.${key}`)
      }
      if ('items' in schema) walk(schema.items, `${path}[]`)
    }
    walk(configSchema(kinds), '')
    expect(bare).toEqual([])
  })

  it('can be made of the checks that there are', () => {
    expect(() =>
      new Ajv2020({ strict: true, allowUnionTypes: true, strictRequired: false }).compile(configSchema(checkKinds)),
    ).not.toThrow()
  })
})
