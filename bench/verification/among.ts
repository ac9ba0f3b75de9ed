/**
 * Run as a program of its own: nanoseconds of a whole check of GitHub's signature, in a process that has never verified
 * anything else (`alone`), or that has verified every other preset's just as often (`all`).
 */
import { hmacPresets, presetCase } from './presets.ts'
import { interleaved } from './timing.ts'

const SUBJECT = 'github'
const BYTES = 1024

const [, , among, batches] = process.argv
const cases = hmacPresets.filter(({ id }) => among === 'all' || id === SUBJECT).map(each => presetCase(each, BYTES))
const subject = cases.find(({ id }) => id === SUBJECT)
if (subject === undefined) throw new Error(`${SUBJECT} is no HMAC preset`)
// Each as often as the subject: the compiler sees all of them.
for (let i = 0; i < 50; i++) for (const each of cases) each.check.batch(64)()
const [taken] = interleaved([subject.check], { rounds: 1, batches: Number(batches) }).get(subject.check) ?? []
process.stdout.write(`${taken}\n`)
