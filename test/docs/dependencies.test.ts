import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const json = (path: string) => JSON.parse(readFileSync(join(ROOT, path), 'utf8'))
const manifest = json('package.json')
const page = readFileSync(join(ROOT, 'docs/dependencies.md'), 'utf8')
const MOST = 15
const PERMISSIVE = new Set([
  'MIT',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Apache-2.0',
  '0BSD',
  'BlueOak-1.0.0',
  'PSF-2.0',
  'Unlicense',
])

/** Name and reason of each row under a heading. */
function rows(heading: string): Map<string, string> {
  const section = page.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  return new Map([...section.matchAll(/^\| `([^`]+)` +\| (.+?) +\|$/gm)].map(match => [match[1] ?? '', match[2] ?? '']))
}

/** An SPDX expression that lets us choose a permissive licence. */
const permissive = (licence: unknown): boolean =>
  typeof licence === 'string' &&
  licence
    .replace(/[()]/g, '')
    .split(' OR ')
    .some(choice => choice.split(' AND ').every(each => PERMISSIVE.has(each.trim())))

describe('docs/dependencies.md', () => {
  it.each([
    ['Runtime', manifest.dependencies],
    ['Development', manifest.devDependencies],
  ])('%s: gives a reason for every package, and for no other', (heading, packages) => {
    expect([...rows(heading).keys()]).toEqual(Object.keys(packages).sort())
    for (const [name, reason] of rows(heading)) expect(reason.length, name).toBeGreaterThan(15)
  })

  it(`keeps to ${MOST} runtime packages`, () => {
    expect(Object.keys(manifest.dependencies).length, 'a runtime package earns its place').toBeLessThanOrEqual(MOST)
  })
})

describe('what is installed at run time', () => {
  const { packages } = json('package-lock.json')
  const runtime = Object.keys(packages).filter(
    path => path !== '' && !packages[path].dev && !packages[path].devOptional && !packages[path].optional,
  )

  it('is what package.json asks for, and more', () => {
    for (const name of Object.keys(manifest.dependencies)) expect(runtime).toContain(`node_modules/${name}`)
  })

  it.each(runtime)('%s has a permissive licence', path => {
    const { license } = json(`${path}/package.json`)
    expect(permissive(license), `${path} is under ${JSON.stringify(license)}`).toBe(true)
  })

  it.each([
    ['MIT', true],
    ['(BSD-3-Clause OR GPL-2.0)', true],
    ['GPL-3.0-only', false],
    ['MIT AND GPL-2.0', false],
    ['SEE LICENSE IN x', false],
    [undefined, false],
  ])('would take %s: %s', (licence, taken) => {
    expect(permissive(licence)).toBe(taken)
  })
})
