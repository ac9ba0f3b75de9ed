import { formatDuration } from '../../core/units.ts'
import type { SilentRule } from './config.ts'
import { History } from './history.ts'
import { forget, isFor, type Reading, type RuleWatch, type Trouble } from './rule.ts'
import { Tally } from './tally.ts'

/** Where so many are expected, that none comes by chance has less than one chance in a hundred. */
const EXPECTED = 5
/** So many spans before the silence show the rhythm of a route that has not been watched for a day. */
const SPANS = 4

interface Watched {
  readonly history: History
  readonly recent: Tally
  /** Milliseconds of the monotonic clock. */
  heardAt: number
  /** Why something was expected; `undefined` while the route is not called silent. */
  silent: string | undefined
}

/**
 * A route that usually hears something by this time of day has heard nothing that it let in. What is usual is the
 * route's own history: the same time of the same weekday a week ago; until that is known, the quietest of the days
 * since the start; until a day is known, the four spans before the silence.
 */
export class SilentWatch implements RuleWatch {
  /** One request ends it, and it takes the whole span to begin again. */
  readonly calm = 0
  readonly #rule: SilentRule
  readonly #routes = new Map<string, Watched>()

  constructor(rule: SilentRule) {
    this.#rule = rule
  }

  look({ now, monotonic, moved }: Reading): Trouble[] {
    for (const [route, { verified }] of moved) {
      if (verified === 0 || !isFor(this.#rule.routes, route)) continue
      const watched = this.#routes.get(route) ?? this.#begin(now)
      this.#routes.set(route, watched)
      watched.history.add(now, verified)
      watched.recent.add(monotonic, '', verified)
      watched.heardAt = monotonic
      watched.silent = undefined
    }
    const silent: Trouble[] = []
    for (const [route, watched] of this.#routes) {
      if (monotonic - watched.heardAt < this.#rule.for) continue
      watched.silent ??= this.#expected(watched, now, monotonic)
      if (watched.silent !== undefined) silent.push(this.#trouble(route, watched.silent))
    }
    return silent
  }

  #begin(now: number): Watched {
    return {
      history: new History(now),
      recent: new Tally((SPANS + 1) * this.#rule.for),
      heardAt: 0,
      silent: undefined,
    }
  }

  /** Why something should have been heard in the span that ends now; `undefined` where silence is nothing unusual. */
  #expected({ history, recent, heardAt }: Watched, now: number, monotonic: number): string | undefined {
    const span = this.#rule.for
    const words = formatDuration(span)
    const lastWeek = usual(history, 7, now - span, now)
    if (lastWeek !== undefined)
      return lastWeek < EXPECTED
        ? undefined
        : `in the same ${words} a week ago it heard ${Math.round(lastWeek)} or more`
    const days = [1, 2, 3, 4, 5, 6].flatMap(day => usual(history, day, now - span, now) ?? [])
    if (days.length > 0) {
      const least = Math.min(...days)
      return least < EXPECTED
        ? undefined
        : `in the same ${words} of each day before it heard ${Math.round(least)} or more`
    }
    // Later than one look after the span has passed, the spans before it are no longer all there.
    const counts = Array.from({ length: SPANS }, (_, i) => recent.between(heardAt - (i + 1) * span, heardAt - i * span))
    const least = Math.min(...counts)
    return monotonic - heardAt > 2 * span || least < EXPECTED
      ? undefined
      : `in each ${words} before, it heard ${least} or more`
  }

  #trouble(route: string, expected: string): Trouble {
    return {
      subject: route,
      route,
      what: `route ${route} has let in nothing for ${formatDuration(this.#rule.for)}`,
      evidence: expected,
      mend: "See at the sender whether it still sends and whether it has disabled the endpoint, and whether the gate's address is still reached.",
    }
  }

  over(route: string): string {
    return `route ${route} hears something again`
  }

  keep(routes: ReadonlySet<string>): void {
    forget(this.#routes, routes)
  }
}

/** Twice what the lesser half of the span heard: a day that begins or ends a little later than the other is nothing unusual. */
function usual(history: History, days: number, from: number, to: number): number | undefined {
  const middle = (from + to) / 2
  const first = history.before(days, from, middle)
  const second = history.before(days, middle, to)
  return first === undefined || second === undefined ? undefined : 2 * Math.min(first, second)
}
