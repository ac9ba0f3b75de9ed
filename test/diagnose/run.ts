import { hasProgram } from '../support/programs.ts'
import { type Family, judge, type Score } from './entry.ts'

/** Sets up a family and asks about each of its entries; `undefined` where a program that it talks to is not installed. */
export async function scoreFamily(family: Family): Promise<readonly Score[] | undefined> {
  if (family.needs && !(await hasProgram(...family.needs))) return undefined
  const { entries, close } = await family.open()
  try {
    const scores: Score[] = []
    for (const entry of entries) scores.push(await judge(family.name, entry))
    return scores
  } finally {
    await close()
  }
}
