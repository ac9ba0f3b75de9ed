import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '../..')

/** A fenced block: its info string (`yaml`, `sh run`) and its text. */
export interface Fence {
  readonly info: string
  readonly text: string
}

/** Every page, by its path from the root. */
export function allPages(): string[] {
  const docs = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).map(path => `docs/${path}`)
  const top = readdirSync(ROOT).concat('certs/README.md')
  return [...top, ...docs].filter(path => path.endsWith('.md')).sort()
}

export const readPage = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

export function fences(text: string): Fence[] {
  return [...text.matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm)].map(([, info = '', body = '']) => ({ info, text: body }))
}

/** What stands in code: fenced blocks, their continued lines joined, and spans. */
export function codeOf(text: string): string[] {
  const prose = text.replace(/^```[\s\S]*?^```$/gm, '')
  return [
    ...fences(text).flatMap(fence => fence.text.replaceAll('\\\n', '').split('\n')),
    ...[...prose.matchAll(/`([^`\n]+)`/g)].map(match => match[1] ?? ''),
  ]
}
