import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ROOT, readPage } from './markdown.ts'

const sources = ['src/cli/doctor', 'src/tls', 'src/checks']
  .flatMap(folder => readdirSync(join(ROOT, folder)).map(name => join(ROOT, folder, name)))
  .filter(path => path.endsWith('.ts'))
  .map(path => readFileSync(path, 'utf8'))
  .join('\n')

it('names causes that the doctor finds', () => {
  const named = [...readPage('docs/doctor.md').matchAll(/`([a-z-]+)\.([a-z-]+)`/g)].filter(
    ([, room]) => room !== 'gate' && room !== 'body',
  )
  expect(named.length).toBeGreaterThan(70)
  for (const [text, step = '', reason = ''] of named) {
    // Some are made of the name of the check, the file or the hop, and of what is wrong with it.
    const made =
      sources.includes(`'${step}.${reason}'`) ||
      new RegExp(`\\$\\{[^}]*\\}\\.?[^\`]*${reason}|'${reason}'`).test(sources)
    expect(made, text).toBe(true)
  }
})
