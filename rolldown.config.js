import { execFileSync } from 'node:child_process'
import { cpSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig } from 'rolldown'

/** What the console serves as it stands lies beside the bundle as it lies in src (src/console/page-files.ts). */
const page = {
  name: 'console-page',
  writeBundle({ dir = '' }) {
    const to = join(dir, '../console/page')
    rmSync(to, { recursive: true, force: true })
    cpSync('src/console/page', to, { recursive: true, filter: file => !file.endsWith('tsconfig.json') })
  },
}

/** V8 keeps a text with any other character in twice the memory. In code, an escape means the same as the character. */
const ascii = {
  name: 'ascii',
  generateBundle(_options, files) {
    for (const file of Object.values(files))
      if (file.type === 'chunk')
        file.code = file.code.replace(/[^\0-\x7f]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  },
}

/** Modules of Node that only some gates need. `node:tls` begins to read Node's CA certificates as soon as it is loaded. */
const LATE = ['node:tls', 'node:https', 'node:zlib']

/** Loads them where something of them is first used, instead of at the start. */
const lateBuiltins = {
  name: 'late-builtins',
  renderChunk(code) {
    const pattern = new RegExp(`^let (\\w+) = require\\("(${LATE.join('|')})"\\);$`, 'gm')
    const late = [...code.matchAll(pattern)].map(([, variable]) => variable)
    if (late.length === 0) return null
    const uses = new RegExp(`(?<![\\w$.])(${late.join('|')})\\b(?! = require)`, 'g')
    return (
      code
        // In brackets, for what is made with `new`.
        .replace(uses, '($1())')
        .replace(
          pattern,
          (_, variable, name) =>
            `let ${variable}_loaded; const ${variable} = () => (${variable}_loaded ??= require("${name}"));`,
        )
    )
  },
}

/** What a gate starts as a worker thread (src/gateway/workers/seat.ts). */
const worker = {
  name: 'worker',
  writeBundle({ dir = '' }) {
    writeFileSync(join(dir, 'worker.js'), "require('../../bin/worker.js')\n")
  },
}

/** What a start compiles is kept beside the bundle (bin/bundle.js): the next one begins with it. */
const codeCache = {
  name: 'code-cache',
  writeBundle() {
    rmSync('dist/cache', { recursive: true, force: true })
    writeFileSync('dist/package.json', '{ "type": "commonjs" }\n')
    execFileSync(process.execPath, ['bin/warm-up.js'], { stdio: 'inherit' })
  },
}

const source = name => join(import.meta.dirname, 'src', name)
const gate = new Set()

/** Whether `run` imports a module at once, through whatever stands between, and the choice of the verb does not. */
function isOfGate(id, graph) {
  if (gate.size === 0) {
    for (const each of importedBy(source('cli/run.ts'), graph)) gate.add(each)
    for (const each of importedBy(source('cli/main.ts'), graph)) gate.delete(each)
  }
  return gate.has(id)
}

function importedBy(id, graph, found = new Set()) {
  if (found.has(id)) return found
  found.add(id)
  for (const each of graph.getModuleInfo(id)?.importedIds ?? []) importedBy(each, graph, found)
  return found
}

/**
 * What a gate needs in any case is one file, instead of some four hundred, and calls within it need no look-up; what only
 * some gates need stays in files of its own. CommonJS, since V8 keeps compiled code of a script and not of a module.
 */
export default defineConfig({
  // The gate first: its modules run in the order that it imports them.
  input: { run: 'src/cli/run.ts', main: 'src/cli/main.ts', thread: 'src/gateway/workers/thread.ts' },
  platform: 'node',
  preserveEntrySignatures: 'allow-extension',
  plugins: [page, lateBuiltins, ascii, worker, codeCache],
  // Loaded where they are first used (test/architecture.test.ts), so from node_modules.
  external: ['yaml', 'ajv', 'ajv-formats', 'jose', 'node-forge', '@peculiar/x509', 'prom-client', 'undici'],
  output: {
    dir: 'dist/cli',
    cleanDir: true,
    format: 'cjs',
    strict: true,
    // A script that is run by vm could import only by what Node calls experimental, and says so on stderr.
    dynamicImportInCjs: false,
    comments: false,
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: [{ debugName: 'gate', name: (id, graph) => (isOfGate(id, graph) ? 'gate' : null) }],
    },
  },
})
