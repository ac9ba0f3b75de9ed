// Plain JavaScript: runs what `npm run build` puts into dist/, with what V8 compiled of it at an earlier start.
'use strict'
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const { join } = require('node:path')
const v8 = require('node:v8')
const vm = require('node:vm')

/**
 * What runs once is not worth the optimising compilers, which take time, and memory that stays. Most of what a start makes
 * is there to stay as well, so that the room for what is short-lived would grow with it, to no use; and there is too little
 * of it for several threads to collect. A regular expression that is asked once is not worth it either: Node's own for an IPv6
 * address, which `listen` asks, took 10 ms.
 */
const START = {
  flags: [
    '--semi-space-growth-factor=1',
    '--no-parallel-scavenge',
    '--no-maglev',
    '--no-turbofan',
    '--no-regexp-peephole-optimization',
  ],
  defaults: [
    '--semi-space-growth-factor=2',
    '--parallel-scavenge',
    '--maglev',
    '--turbofan',
    '--regexp-peephole-optimization',
  ],
}
const DEFAULTS = { flags: [], defaults: [] }
/**
 * Where little happens for 8 seconds, V8 collects to give memory back, and throws away the optimised code that knows of
 * objects of which there are none at that moment: of a gate that waits, nearly all. The webhooks that come next would cost
 * two to four times as much. So it does that after ten minutes. Nodes before 26 know one of the two flags, with another
 * default, and V8 says on stderr what it does not know.
 */
const REST =
  Number(process.versions.node.split('.')[0]) >= 26
    ? {
        flags: ['--gc-memory-reducer-start-delay-ms=600000', '--memory-reducer-delay-ms=600000'],
        defaults: ['--gc-memory-reducer-start-delay-ms=30000', '--memory-reducer-delay-ms=8000'],
      }
    : {
        flags: ['--gc-memory-reducer-start-delay-ms=600000'],
        defaults: ['--gc-memory-reducer-start-delay-ms=8000'],
      }
/** Whoever asks V8 for another way to compile or to collect gets what they ask for, from the start on. */
const HELD_BACK = !/jitless|lite|opt\b|turbo|maglev|semi-space|scavenge|memory-reducer-|regexp-/.test(
  [...process.execArgv, process.env.NODE_OPTIONS].join(' '),
)
const GATE = './run.js'
/** Modules of Node that a gate's start needs without a `require`: src/core/http.ts has one, and Node the other where a server listens. */
const BEHIND = ['node:http', 'node:cluster']
/** Milliseconds after which a gate that has started has nothing left to do for it. */
const SETTLED_MS = 3000

/** The files of one folder of dist/. */
class Bundle {
  #folder
  #cache
  #native
  #modules = new Map()
  #scripts = new Map()
  #isStarting
  /** What is in force of V8's flags, and its defaults of those. */
  #mode = DEFAULTS
  /** Whether V8 took the code that was there of the first file: it takes that of the same text, Node and flags only. */
  isTaken = false

  /** @param isStarting whether it is the process that starts: V8's flags are one set for all its threads */
  constructor(folder, isStarting = true) {
    this.#folder = folder
    this.#isStarting = isStarting
    this.#cache = join(folder, '../cache')
    this.#native = createRequire(join(folder, 'main.js'))
    // Loads what stands behind it, as it was compiled.
    performance.now()
    if (isStarting) this.#enter(START)
  }

  require = name => {
    if (!name.startsWith('./')) return this.#load(name)
    const known = this.#modules.get(name)
    if (known) return known.exports
    const filename = join(this.#folder, name)
    const module = { exports: {} }
    this.#modules.set(name, module)
    // The build writes ASCII alone.
    const text = readFileSync(filename, 'latin1')
    if (name === GATE && this.#isStarting) for (const builtin of BEHIND) this.#load(builtin)
    const script = new vm.Script(`(function(exports,require,module,__filename,__dirname){${text}\n})`, {
      filename,
      cachedData: this.#read(name),
    })
    if (this.#scripts.size === 0) this.isTaken = script.cachedDataRejected === false
    this.#scripts.set(name, script)
    script.runInThisContext()(module.exports, this.require, module, filename, this.#folder)
    return module.exports
  }

  /** Node brings its own code compiled under V8's defaults; under others it would be compiled anew. */
  #load(name) {
    const { flags, defaults } = this.#mode
    setFlags(defaults)
    try {
      return this.#native(name)
    } finally {
      setFlags(flags)
    }
  }

  #enter(mode) {
    setFlags(this.#mode.defaults)
    this.#mode = mode
    setFlags(mode.flags)
  }

  #read(name) {
    try {
      return readFileSync(join(this.#cache, `${name}.code`))
    } catch {
      return undefined
    }
  }

  /** From here on V8 optimises as it does by default. */
  started() {
    if (!this.#isStarting) return
    this.#isStarting = false
    if (this.isTaken) {
      this.#enter(REST)
      return
    }
    this.#enter(DEFAULTS)
    setTimeout(() => {
      this.save()
      this.#enter(REST)
    }, SETTLED_MS).unref()
  }

  /** Keeps what has been compiled by now for the next start, where that may be written. */
  save() {
    const before = this.#mode
    this.#enter(START)
    try {
      mkdirSync(this.#cache, { recursive: true })
      for (const [name, script] of this.#scripts) {
        const file = join(this.#cache, `${name}.code`)
        writeFileSync(`${file}.${process.pid}`, script.createCachedData())
        // Another start may be reading it.
        renameSync(`${file}.${process.pid}`, file)
      }
    } catch (error) {
      // A package that belongs to another user, or a disk that is full, goes without.
      if (error.code === undefined) throw error
    } finally {
      this.#enter(before)
    }
  }
}

function setFlags(flags) {
  if (HELD_BACK) for (const flag of flags) v8.setFlagsFromString(flag)
}

module.exports = { Bundle }
