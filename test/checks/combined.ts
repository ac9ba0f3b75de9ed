import { z } from 'zod'
import { allOf } from '../../src/checks/all-of.ts'
import { anyOf } from '../../src/checks/any-of.ts'
import { checkKinds } from '../../src/checks/index.ts'
import { type AnyCheckKind, type CheckKind, defineCheck, type Stage } from '../../src/core/check.ts'
import { type Allow, type Decision, type Denial, deny } from '../../src/core/decision.ts'

/** What the spies were asked, in order, and what became of their claims. */
export const seen: string[] = []

const settings = z.strictObject({
  as: z.enum(['allow', 'deny', 'busy', 'undeclared', 'throw', 'reject', 'claim', 'reply']),
  /** What it says of the head alone; a check of the body. */
  foresees: z.enum(['nothing', 'deny', 'throw']).default('nothing'),
})
type Settings = z.output<typeof settings>

const spec = (status: number) => ({ status, title: 'No', meaning: 'No.', remedy: 'None.' })

/** A check that answers as its configuration says, and notes that it was asked. */
function spy<S extends Stage>(name: string, stage: S): CheckKind<S, Settings, string> {
  const refuse = (): Denial => deny(`${name}.deny`, { why: 'as told' })
  const decide = (as: Settings['as']): Decision | Promise<Decision> => {
    seen.push(`${name} ${as}`)
    const facts: Allow = { ok: true, facts: { principal: name, principalBy: name } }
    switch (as) {
      case 'allow':
        return { ...facts, headers: [[`X-${name}`, '1']] }
      case 'claim':
        return { ...facts, settle: outcome => void seen.push(`${name} ${outcome}`) }
      case 'deny':
        return refuse()
      case 'busy':
        return deny(`${name}.busy`, {}, [['Retry-After', '7']])
      case 'undeclared':
        return deny('nobody.knows')
      case 'reply':
        return { ok: 'reply', status: 200, headers: [], body: '', reason: 'challenge' }
      case 'reject':
        return Promise.reject(new Error('broken later'))
      case 'throw':
        throw new Error('broken')
    }
  }
  return defineCheck({
    name,
    stage,
    summary: 'A check of a test.',
    example: '{}',
    config: settings,
    denials: { [`${name}.deny`]: spec(403), [`${name}.busy`]: spec(429) },
    create: ({ as, foresees }) => ({
      decide: () => decide(as),
      foresee() {
        if (foresees === 'nothing') return undefined
        seen.push(`${name} foresees ${foresees}`)
        if (foresees === 'throw') throw new Error('broken ahead')
        return refuse()
      },
    }),
  })
}

/** The checks that there are, with two spies: one of the head, one of the body. */
export const combinedKinds: readonly AnyCheckKind[] = [
  ...checkKinds.filter(({ name }) => name !== 'any-of' && name !== 'all-of'),
  spy('early', 'head'),
  spy('late', 'body'),
  anyOf(() => combinedKinds),
  allOf(() => combinedKinds),
]
export const any = anyOf(() => combinedKinds)
export const all = allOf(() => combinedKinds)
