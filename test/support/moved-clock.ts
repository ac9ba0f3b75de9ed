import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Put before a program: its clocks are ahead by the milliseconds that stand in a file. */
const PRELOAD = `import { readFileSync } from 'node:fs'
const ahead = () => Number(readFileSync(process.env.AHEAD_FILE, 'utf8') || 0)
const now = Date.now.bind(Date)
Date.now = () => now() + ahead()
const monotonic = performance.now.bind(performance)
performance.now = () => monotonic() + ahead()
`

/** A clock that a running gate goes by, so that an hour passes when a test says so. */
export interface MovedClock {
  /** What the gate is started with. */
  readonly env: Readonly<Record<string, string>>
  /** Epoch milliseconds, as the gate has it. */
  now(): number
  /** Lets so many milliseconds pass at once. */
  pass(ms: number): void
}

/** @param folder where its two files go */
export function movedClock(folder: string): MovedClock {
  const [preload, file] = [join(folder, 'clock.mjs'), join(folder, 'ahead')]
  let ahead = 0
  writeFileSync(preload, PRELOAD)
  writeFileSync(file, '0')
  return {
    env: { NODE_OPTIONS: `--import=${preload}`, AHEAD_FILE: file },
    now: () => Date.now() + ahead,
    pass(ms) {
      ahead += ms
      writeFileSync(file, String(ahead))
    },
  }
}
