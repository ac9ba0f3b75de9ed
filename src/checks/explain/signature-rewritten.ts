import type { Finding } from '../../core/finding.ts'
import { readTree, sortedMembers } from '../../signing/near-miss/json-tokens.ts'
import { possible } from './finding.ts'

/** As many members are in the order of their names by chance in one body of hundreds. */
const NO_CHANCE = 6
const MOST_READ = 2 * 1024 * 1024

/** Of JSON that looks as if a program had read and written it, in an order that can't be undone. */
export function rewritten(raw: Buffer): readonly Finding[] {
  const tree = raw.length <= MOST_READ ? readTree(raw) : undefined
  const members = tree === undefined ? 0 : sortedMembers(tree)
  if (members < NO_CHANCE) return []
  return [
    possible({
      cause: 'signature.body-sorted',
      because: `all ${members} members of the JSON stand in the order of their names, as a program between sender and gate leaves them that reads JSON and writes it anew; in which order they were signed can't be told`,
      evidence: { members },
      mend: 'let what stands between pass the bytes on as they are; if the sender itself sorts them, its secret is another',
    }),
  ]
}
