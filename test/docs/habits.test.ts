import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const manifest = JSON.parse(read('package.json'))
const written = ['', 'docs/'].flatMap(folder =>
  readdirSync(join(ROOT, folder))
    .filter(name => name.endsWith('.md'))
    .map(name => `${folder}${name}`),
)
const pages = [...written, 'certs/README.md']

describe('LICENSE', () => {
  it('is Apache-2.0, unchanged, as package.json says', () => {
    expect(manifest.license).toBe('Apache-2.0')
    // Of https://www.apache.org/licenses/LICENSE-2.0.txt without blank space, which copies differ in.
    const words = read('LICENSE').replace(/\s+/g, ' ').trim()
    expect(createHash('sha256').update(words).digest('hex')).toBe(
      '0ffddef9e48f8a09aed5caf2d44f7ba1c1be2d9b8e0a6f693b1635b2d5566645',
    )
  })
})

describe.each(pages)('%s', page => {
  const text = read(page)

  it('names only files that are there', () => {
    const named = [...text.matchAll(/`((?:src|test|docs|deploy|bench|config|bin)\/[\w./-]+)`/g)].map(
      match => match[1] ?? '',
    )
    for (const file of named.filter(each => !each.includes('NAME') && !each.startsWith('bench/results/'))) {
      expect(existsSync(join(ROOT, file)), `${page} names ${file}`).toBe(true)
    }
  })

  it('links only to what is there', () => {
    for (const [, target] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g))
      expect(existsSync(join(ROOT, dirname(page), target ?? '')), `${page} links to ${target}`).toBe(true)
  })

  it('names only scripts that package.json has', () => {
    for (const [, script] of text.matchAll(/npm run ([\w:-]+)/g))
      expect(manifest.scripts).toHaveProperty([script ?? ''])
  })

  it('speaks without exclamation marks and made-up addresses', () => {
    const prose = text.replace(/^```[\s\S]*?^```|<!--.*?-->|`[^`]*`/gm, '')
    expect(prose).not.toMatch(/!(?!\[)/)
    expect(prose).not.toMatch(/[\w.]+@[\w-]+\.\w/)
  })
})

describe('docs/architecture.md', () => {
  it('names every room, from the top down', () => {
    const rooms = [...read('docs/architecture.md').matchAll(/^\| `([a-z]+)` +\|/gm)].map(match => match[1])
    const there = readdirSync(join(ROOT, 'src'), { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .map(entry => entry.name)
    for (const room of there) expect(rooms).toContain(room)
    const order = /const ROOMS = \[([^\]]+)\]/.exec(read('test/architecture.test.ts'))?.[1] ?? ''
    expect(rooms).toEqual([...order.matchAll(/'([a-z]+)'/g)].map(match => match[1]))
  })

  it('names every promise that SECURITY.md makes', () => {
    const promises = [...read('SECURITY.md').matchAll(/^\d\. \*\*(.+?)\.?\*\*/gm)].map(match => match[1] ?? '')
    expect(promises).toHaveLength(7)
    for (const promise of [
      'Fail closed',
      'Verify, then send',
      'Built, not passed on',
      'Reload all or nothing',
      'No secret leaves',
    ]) {
      expect(promises).toContain(promise)
      expect(read('docs/architecture.md')).toContain(`**${promise}.`)
    }
  })
})

describe('CHANGELOG.md', () => {
  it('has a place for what is not released, and dates what is', () => {
    const headings = [...read('CHANGELOG.md').matchAll(/^## (.+)$/gm)].map(match => match[1] ?? '')
    expect(headings[0]).toBe('[Unreleased]')
    for (const heading of headings.slice(1)) expect(heading).toMatch(/^\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}$/)
  })
})
