#!/usr/bin/env node
// Plain JavaScript that any Node runs: it finds a Node that is new enough, and the code, and hands over. The code is
// dist/ in the package; in a checkout src/, or dist/ where nothing of src/ is newer, which starts in half the time.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import module, { createRequire } from 'node:module'
import { constants } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Bundle } from './bundle.js'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const source = join(root, 'src/cli/main.ts')
const built = join(root, 'dist/cli/main.js')
const needed = 24

if (Number(process.versions.node.split('.')[0]) >= needed) {
  process.exitCode = await (isBuilt() ? runBuilt() : runSource())
} else {
  const node = bundledNode()
  if (node === undefined) {
    console.error(`sallyport needs Node ${needed} or later; this is ${process.versions.node}.`)
    console.error('mend: install a newer Node, or run "npm ci" in the checkout, which brings one.')
    process.exit(2)
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, SALLYPORT_LAUNCHED: '1' },
  })
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code))
}

function runBuilt() {
  const bundle = new Bundle(dirname(built))
  const { main } = bundle.require(`./${basename(built)}`)
  return main(process.argv.slice(2), () => bundle.started())
}

async function runSource() {
  module.enableCompileCache?.()
  const { main } = await import(pathToFileURL(source).href)
  return main(process.argv.slice(2))
}

function isBuilt() {
  const since = statSync(built, { throwIfNoEntry: false })?.mtimeMs
  if (since === undefined || !existsSync(source)) return since !== undefined
  return isOlder(join(root, 'src'), since)
}

/** Whether a folder and all that is in it were last written before. */
function isOlder(folder, since) {
  if (statSync(folder).mtimeMs > since) return false
  return readdirSync(folder, { withFileTypes: true }).every(entry => {
    const path = `${folder}/${entry.name}`
    return entry.isDirectory() ? isOlder(path, since) : statSync(path).mtimeMs <= since
  })
}

/** The binary of the dev dependency `node`. */
function bundledNode() {
  try {
    const require = createRequire(import.meta.url)
    const path = join(dirname(require.resolve('node/package.json')), 'bin/node')
    return existsSync(path) ? path : undefined
  } catch {
    return undefined
  }
}
