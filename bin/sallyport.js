#!/usr/bin/env node
// Plain JavaScript that any Node runs: it finds a Node that is new enough, and the code (dist/ in the package, src/ in
// a checkout), and hands over.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire, enableCompileCache } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const source = join(root, 'src/cli/main.ts')
const built = join(root, 'dist/cli/main.js')
const needed = 24

if (Number(process.versions.node.split('.')[0]) >= needed) {
  enableCompileCache?.()
  await import(pathToFileURL(existsSync(source) ? source : built).href)
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
