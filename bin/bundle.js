// Plain JavaScript: runs what `npm run build` puts into dist/.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import v8 from 'node:v8'
import vm from 'node:vm'

// A start makes much that stays; the room for what is short-lived would grow with it, to no use. `run` lets it grow again
// (src/cli/run.ts). V8 takes compiled code only under the flags that it was made under.
const STARTING = '--semi-space-growth-factor=1'
const STARTED = '--semi-space-growth-factor=2'

/** What a bundle exports, and what is known of its compiled code. */
export function loadBundle(file) {
  v8.setFlagsFromString(STARTING)
  const bundle = new Bundle(dirname(file))
  return { exports: bundle.require(`./${basename(file)}`), bundle }
}

class Bundle {
  #folder
  #cache
  #native
  #modules = new Map()
  #scripts = new Map()
  /** Whether V8 took the compiled code that was there: of this Node, under these flags, of these files. */
  isCompiled = true

  constructor(folder) {
    this.#folder = folder
    this.#cache = join(folder, '../cache')
    this.#native = createRequire(join(folder, 'main.js'))
  }

  require = name => {
    if (!name.startsWith('./')) return this.#native(name)
    const known = this.#modules.get(name)
    if (known) return known.exports
    const filename = join(this.#folder, name)
    const module = { exports: {} }
    this.#modules.set(name, module)
    const script = new vm.Script(
      `(function(exports,require,module,__filename,__dirname){${readFileSync(filename, 'latin1')}\n})`,
      {
        filename,
        cachedData: this.#read(name),
        importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
      },
    )
    // What no start loads has none, and is compiled when it is loaded.
    if (script.cachedDataRejected || this.#scripts.size === 0) this.isCompiled &&= script.cachedDataRejected === false
    this.#scripts.set(name, script)
    script.runInThisContext()(module.exports, this.require, module, filename, this.#folder)
    return module.exports
  }

  #read(name) {
    try {
      return readFileSync(join(this.#cache, `${name}.code`))
    } catch {
      return undefined
    }
  }

  /** Keeps what a gate that has started has compiled by now for the next start, where that may be written. */
  save() {
    v8.setFlagsFromString(STARTING)
    try {
      mkdirSync(this.#cache, { recursive: true })
      for (const [name, script] of this.#scripts) {
        const file = join(this.#cache, `${name}.code`)
        writeFileSync(`${file}.${process.pid}`, script.createCachedData())
        // Another start may be reading it.
        renameSync(`${file}.${process.pid}`, file)
      }
    } catch (error) {
      // A package that belongs to another user is as good without.
      if (!['EACCES', 'EPERM', 'EROFS'].includes(error.code)) throw error
    } finally {
      v8.setFlagsFromString(STARTED)
    }
  }
}
