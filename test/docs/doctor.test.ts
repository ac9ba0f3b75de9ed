import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ROOT, readPage } from './markdown.ts'

const sources = ['src/cli/doctor', 'src/tls', 'src/checks']
  .flatMap(folder => readdirSync(join(ROOT, folder)).map(name => join(ROOT, folder, name)))
  .filter(path => path.endsWith('.ts'))
  .map(path => readFileSync(path, 'utf8'))
  .join('\n')

/** Causes that are made of the name of a check, a file or a hop: `${check}.expired` as an expression. */
const made = [...sources.matchAll(/`([a-z.-]*(?:\$\{[^{}`]+\}[a-z.-]*)+)`/g)]
  .map(([, template = '']) => template.replace(/\$\{[^{}]+\}/g, '*'))
  .filter(template => /\.|tls/.test(template))
  .map(template => new RegExp(`^${template.replaceAll('.', '\\.').replaceAll('*', '[a-z-]*')}$`))

it('names causes that the doctor finds', () => {
  const named = [...readPage('docs/doctor.md').matchAll(/`([a-z-]+\.[a-z-]+)`/g)]
    .map(([, cause = '']) => cause)
    .filter(cause => !/^(?:body\.malformed|gate\.yaml)$/.test(cause))
  expect(named.length).toBeGreaterThan(70)
  for (const cause of named)
    expect(sources.includes(`'${cause}'`) || made.some(pattern => pattern.test(cause)), cause).toBe(true)
})
