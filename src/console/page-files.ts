import { hash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, extname, join } from 'node:path'
import type { Page } from './answer.ts'

/** The page's own files: in src/console/page, and in dist/console/page beside the bundle in dist/cli. */
const FOLDER = join(import.meta.dirname, '../console/page')
/** What the page is built with: a package as it is installed, and the module of it that browsers take. */
const VENDOR: Readonly<Record<string, readonly [specifier: string, file: string]>> = {
  'preact.js': ['preact', 'preact.mjs'],
  'preact-hooks.js': ['preact/hooks', 'hooks.mjs'],
  'htm.js': ['htm', 'htm.module.js'],
  'uplot.js': ['uplot', 'uPlot.esm.js'],
  'uplot.css': ['uplot', 'uPlot.min.css'],
}
const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** `/`, or a file under `/console/`; `undefined` where there is no such file. */
export async function pageFile(path: string): Promise<Page | undefined> {
  if (path === '/') return document()
  const name = path.startsWith('/console/') ? path.slice('/console/'.length) : ''
  const type = TYPES[extname(name)]
  const file = type && (name.startsWith('vendor/') ? vendorFile(name.slice('vendor/'.length)) : await ownFile(name))
  return file && type ? { status: 200, type, body: await readFile(file) } : undefined
}

/** By the folder's own list, so that no name leads out of it. */
async function ownFile(name: string): Promise<string | undefined> {
  return (await readdir(FOLDER)).includes(name) ? join(FOLDER, name) : undefined
}

function vendorFile(name: string): string | undefined {
  const [specifier, file] = Object.hasOwn(VENDOR, name) ? (VENDOR[name] ?? []) : []
  if (specifier === undefined || file === undefined) return undefined
  return join(dirname(createRequire(import.meta.url).resolve(specifier)), file)
}

async function document(): Promise<Page> {
  const body = await readFile(join(FOLDER, 'index.html'), 'utf8')
  const importMap = /<script type="importmap">([^<]*)<\/script>/.exec(body)?.[1] ?? ''
  const digest = hash('sha256', importMap, 'base64')
  const policy = [
    "default-src 'none'",
    `script-src 'self' 'sha256-${digest}'`,
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')
  // Its form needs an Origin of its own: with no referrer at all a browser sends "Origin: null" (the Fetch standard).
  const headers = { 'Content-Security-Policy': policy, 'Referrer-Policy': 'same-origin' }
  return { status: 200, type: 'text/html; charset=utf-8', body, headers }
}
