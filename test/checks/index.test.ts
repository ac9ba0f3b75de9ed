import { expect, it } from 'vitest'
import { z } from 'zod'
import { implicitChecks } from '../../src/checks/implicit.ts'
import { checkKinds } from '../../src/checks/index.ts'

it('gives every route a body limit, a type and no coding', () => {
  expect(implicitChecks.map(one => [one.kind.name, one.config])).toEqual([
    ['body-limit', { max: 1_048_576 }],
    ['content-type', { accept: ['json'] }],
    ['content-encoding', { accept: [], max: 1_048_576 }],
  ])
})

it('lists each kind once, by the name of its own codes', () => {
  const names = checkKinds.map(kind => kind.name)
  expect(new Set(names).size).toBe(names.length)
  for (const { kind } of implicitChecks) expect(checkKinds).toContain(kind)
  for (const kind of checkKinds)
    for (const code of Object.keys(kind.denials)) expect(code.startsWith(`${kind.name}.`)).toBe(true)
})

it('gives each kind a JSON Schema for editors that says something', () => {
  for (const kind of checkKinds) {
    const { type, anyOf, oneOf } = z.toJSONSchema(kind.config, { io: 'input' })
    expect(type ?? anyOf ?? oneOf, kind.name).toBeDefined()
  }
})
