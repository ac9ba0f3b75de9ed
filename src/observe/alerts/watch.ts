import { requestId } from '../../core/request-id.ts'
import type { AlertRule } from './config.ts'
import { ExpiresWatch } from './expires.ts'
import type { AlertMessage } from './message.ts'
import { BreakerWatch } from './opened.ts'
import { GATE, RefusedWatch, UPSTREAM } from './refused.ts'
import type { Reading, RuleWatch, Trouble } from './rule.ts'
import { SilentWatch } from './silent.ts'
import { UpstreamWatch } from './upstream.ts'

/** One that begins again within this time of its end has to be over for twice as long as before. Milliseconds. */
const AGAIN = 3_600_000
/** However often it begins again. */
const LONGEST_CALM = 3_600_000

/** One trouble of one rule, told of or just over. */
interface Alarm {
  readonly trouble: Trouble
  readonly id: string
  /** Epoch milliseconds. */
  readonly startedAt: number
  /** Monotonic milliseconds: when it was last so. */
  lastAt: number
  /** The monotonic time of its end; `undefined` while it lasts. */
  endedAt: number | undefined
  /** How often it has begun again soon after its end. */
  readonly again: number
}

interface Rule {
  readonly name: string
  readonly watch: RuleWatch
  /** By subject. */
  readonly alarms: Map<string, Alarm>
}

export interface ActiveAlert {
  readonly rule: string
  readonly subject: string
  readonly what: string
  /** Epoch milliseconds. */
  readonly startedAt: number
}

/**
 * Says once when a trouble begins and once when it is over. What comes and goes is told of less and less: the end waits
 * until it has been over for a while, and for twice as long each time it has begun again within an hour.
 */
export class AlertWatch {
  #rules = new Map<string, Rule>()

  /** Takes the rules in force. One that is the same as before keeps its windows and what it has told; gives the ends of what is gone. */
  update(rules: readonly AlertRule[], routes: ReadonlySet<string>, now: number): AlertMessage[] {
    const next = new Map<string, Rule>()
    for (const rule of rules) {
      const key = JSON.stringify(rule)
      const name = Object.keys(rule)[0] ?? ''
      next.set(key, this.#rules.get(key) ?? { name, watch: watchOf(rule), alarms: new Map() })
    }
    const ended: AlertMessage[] = []
    for (const [key, rule] of this.#rules) {
      rule.watch.keep(routes)
      for (const [subject, alarm] of rule.alarms) {
        const { route } = alarm.trouble
        const reason = next.has(key) ? (route === undefined || routes.has(route) ? '' : 'the route') : 'the rule'
        if (reason === '') continue
        rule.alarms.delete(subject)
        const what = `${reason} is no longer in the config (${alarm.trouble.what})`
        if (alarm.endedAt === undefined) ended.push(endOf(rule, alarm, now, what))
      }
    }
    this.#rules = next
    return ended
  }

  look(reading: Reading): AlertMessage[] {
    return [...this.#rules.values()].flatMap(rule => this.#lookBy(rule, reading))
  }

  *active(): Generator<ActiveAlert> {
    for (const { name, alarms } of this.#rules.values())
      for (const [subject, { trouble, startedAt, endedAt }] of alarms)
        if (endedAt === undefined) yield { rule: name, subject, what: trouble.what, startedAt }
  }

  #lookBy(rule: Rule, reading: Reading): AlertMessage[] {
    const { now, monotonic } = reading
    const told: AlertMessage[] = []
    const lasting = new Set<string>()
    for (const trouble of rule.watch.look(reading)) {
      lasting.add(trouble.subject)
      const before = rule.alarms.get(trouble.subject)
      if (before !== undefined && before.endedAt === undefined) {
        before.lastAt = monotonic
        continue
      }
      const again = before === undefined ? 0 : before.again + 1
      const alarm = { trouble, id: requestId(now), startedAt: now, lastAt: monotonic, endedAt: undefined, again }
      rule.alarms.set(trouble.subject, alarm)
      told.push(startOf(rule, alarm))
    }
    for (const [subject, alarm] of rule.alarms) {
      if (alarm.endedAt !== undefined) {
        if (monotonic - alarm.endedAt >= AGAIN) rule.alarms.delete(subject)
        continue
      }
      const calm = Math.min(LONGEST_CALM, rule.watch.calm * 2 ** Math.min(alarm.again, 30))
      if (lasting.has(subject) || monotonic - alarm.lastAt < calm) continue
      alarm.endedAt = monotonic
      told.push(endOf(rule, alarm, now, rule.watch.over(subject)))
    }
    return told
  }
}

function startOf(rule: Rule, { id, trouble, startedAt }: Alarm): AlertMessage {
  const { subject, route, what, evidence, mend } = trouble
  const phase = 'started'
  return {
    id: `${id}-${phase}`,
    alert: id,
    phase,
    rule: rule.name,
    subject,
    route,
    what,
    evidence,
    mend,
    startedAt,
    endedAt: undefined,
  }
}

function endOf(rule: Rule, alarm: Alarm, now: number, what: string): AlertMessage {
  const phase = 'ended'
  return {
    ...startOf(rule, alarm),
    id: `${alarm.id}-${phase}`,
    phase,
    what,
    evidence: undefined,
    mend: undefined,
    endedAt: now,
  }
}

function watchOf(rule: AlertRule): RuleWatch {
  if ('refused' in rule) return new RefusedWatch(rule.refused, GATE)
  if ('upstream-refusing' in rule) return new RefusedWatch(rule['upstream-refusing'], UPSTREAM)
  if ('silent' in rule) return new SilentWatch(rule.silent)
  if ('upstream-failing' in rule) return new UpstreamWatch(rule['upstream-failing'])
  if ('expires' in rule) return new ExpiresWatch(rule.expires)
  return new BreakerWatch(rule.breaker)
}
