import { hasProgram } from '../support/programs.ts'
import { families } from './catalogue.ts'
import { judge, type Score } from './entry.ts'

/** Prints a line for each set-up of the catalogue, and the share that was diagnosed right. Exit 1 below all. */
const scores: Score[] = []
const only = process.argv.slice(2)
for (const family of families.filter(({ name }) => only.length === 0 || only.includes(name))) {
  if (family.needs && !(await hasProgram(...family.needs))) {
    process.stdout.write(`skip   ${family.name}: there is no ${family.needs[0]} here\n`)
    continue
  }
  const { entries, close } = await family.open()
  for (const entry of entries) {
    const score = await judge(family.name, entry)
    scores.push(score)
    process.stdout.write(`${score.wrong === '' ? 'ok   ' : 'WRONG'}  ${score.family}: ${score.what}\n`)
    if (score.wrong !== '') process.stdout.write(`       ${score.wrong}\n`)
  }
  await close()
}
const right = scores.filter(({ wrong }) => wrong === '').length
process.stdout.write(
  `\n${right} of ${scores.length} named right (${((100 * right) / Math.max(1, scores.length)).toFixed(1)} %)\n`,
)
process.exitCode = right === scores.length ? 0 : 1
