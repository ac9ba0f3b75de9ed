import { families } from './catalogue.ts'
import { scoreFamily } from './run.ts'

/** Families that are set up at once. */
const AT_ONCE = 3

/** Prints a line for each set-up of the catalogue, and the share that was named right. Exit 1 below all. */
const only = process.argv.slice(2)
const chosen = families.filter(({ name }) => only.length === 0 || only.includes(name))
const waiting = [...chosen]
let [right, all] = [0, 0]

async function work(): Promise<void> {
  for (let family = waiting.shift(); family !== undefined; family = waiting.shift()) {
    const scores = await scoreFamily(family)
    if (scores === undefined)
      process.stdout.write(`skip   ${family.name}: there is no ${family.needs?.[0] ?? ''} here\n`)
    for (const { what, wrong } of scores ?? []) {
      all++
      if (wrong === '') right++
      process.stdout.write(`${wrong === '' ? 'ok   ' : 'wrong'}  ${family.name}: ${what}\n`)
      if (wrong !== '') process.stdout.write(`       ${wrong}\n`)
    }
  }
}

await Promise.all(Array.from({ length: AT_ONCE }, work))
process.stdout.write(`\n${right} of ${all} named right (${((100 * right) / Math.max(1, all)).toFixed(1)} %)\n`)
process.exitCode = all > 0 && right === all ? 0 : 1
