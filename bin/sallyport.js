#!/usr/bin/env node
// Plain JavaScript that any Node runs: it finds a Node that is new enough, and the code, and hands over. The code is
// dist/ in the package; in a checkout src/, or dist/ where nothing of src/ is newer, which starts in half the time.
// CommonJS, as all of this folder: to take a file for a module costs Node some 10 ms.
'use strict'
const { existsSync, readdirSync, statSync } = require('node:fs')
const { basename, dirname, join } = require('node:path')

const root = join(__dirname, '..')
const source = join(root, 'src/cli/main.ts')
const built = join(root, 'dist/cli/main.js')
const needed = 24
/**
 * What was read about the files of src/, until a gate listens. V8 takes what outlives its first collections as a measure of how far
 * the heap may grow before all of it is collected: with this dropped at once, that came in the middle of a start with 100 routes.
 */
const read = []

if (Number(process.versions.node.split('.')[0]) >= needed) {
  Promise.resolve(isBuilt() ? runBuilt() : runSource()).then(code => {
    process.exitCode = code
  })
} else {
  const node = bundledNode()
  if (node === undefined) {
    console.error(`sallyport needs Node ${needed} or later; this is ${process.versions.node}.`)
    console.error('mend: install a newer Node, or run "npm ci" in the checkout, which brings one.')
    process.exit(2)
  }
  const child = require('node:child_process').spawn(node, [__filename, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, SALLYPORT_LAUNCHED: '1' },
  })
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR2'])
    process.on(signal, () => child.kill(signal))
  // Node would open its debugger.
  process.on('SIGUSR1', () => undefined)
  child.on('exit', (code, signal) => process.exit(signal ? 128 + require('node:os').constants.signals[signal] : code))
}

function runBuilt() {
  const { Bundle } = require('./bundle.js')
  const bundle = new Bundle(dirname(built))
  const { main } = bundle.require(`./${basename(built)}`)
  return main(process.argv.slice(2), () => {
    read.length = 0
    bundle.started()
  })
}

async function runSource() {
  read.length = 0
  require('node:module').enableCompileCache?.()
  const { main } = await import(require('node:url').pathToFileURL(source).href)
  return main(process.argv.slice(2))
}

function isBuilt() {
  const since = statSync(built, { throwIfNoEntry: false })?.mtimeMs
  if (since === undefined || !existsSync(source)) return since !== undefined
  return isOlder(join(root, 'src'), since)
}

/** Whether a folder and all that is in it were last written before. */
function isOlder(folder, since) {
  if (writtenAt(folder) > since) return false
  return readdirSync(folder, { withFileTypes: true }).every(entry => {
    const path = `${folder}/${entry.name}`
    return entry.isDirectory() ? isOlder(path, since) : writtenAt(path) <= since
  })
}

function writtenAt(path) {
  const stats = statSync(path)
  read.push(stats)
  return stats.mtimeMs
}

/** The binary of the dev dependency `node`. */
function bundledNode() {
  try {
    const path = join(dirname(require.resolve('node/package.json')), 'bin/node')
    return existsSync(path) ? path : undefined
  } catch {
    return undefined
  }
}
