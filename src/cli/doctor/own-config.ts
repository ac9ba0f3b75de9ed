import { withImplicit } from '../../checks/implicit.ts'
import type { ListenerConfig, RouteConfig } from '../../config/model.ts'
import type { AnyCheckKind, Member } from '../../core/check.ts'
import { endsSoon, timeLeft } from '../../core/ending.ts'
import { type Finding, fail, ok, warn } from '../../core/finding.ts'
import { type Expiry, Offline, type Resources } from '../../core/resources.ts'
import { tryTls } from '../../gateway/try-tls.ts'
import { providerOf } from '../../signing/index.ts'
import { SecretFault } from '../../signing/provider.ts'
import { TlsProblem } from '../../tls/problem.ts'
import type { World } from './world.ts'

const DAY = 86_400_000
const OFFLINE = ', so the route is offline (503)'

/** What the checks of a route lack, and what they say of themselves. */
export async function* lookAtChecks(route: RouteConfig, world: World): AsyncGenerator<Finding> {
  const resources = world.resources(route)
  let wrong = false
  for (const check of withImplicit(route.checks, route.forward.stream)) {
    const { kind, config } = check
    const lacking = created(kind, config, resources)
    if (lacking) {
      wrong = true
      yield 'report' in check && check.report === true ? onlyReporting(lacking) : lacking
      continue
    }
    const doctor = kind.doctor?.(config as never, resources)
    if (doctor === undefined) continue
    for await (const finding of doctor) {
      wrong ||= finding.level !== 'ok'
      yield finding
    }
  }
  if (!wrong)
    yield ok(
      'checks.ready',
      `every check has what it needs: ${route.checks.map(({ kind }) => kind.name).join(', ') || 'there is none'}`,
    )
}

/** What a check that only reports lacks takes no route offline. */
function onlyReporting(finding: Finding): Finding {
  return { ...finding, level: 'warn', because: finding.because.replace(OFFLINE, ', so it reports nothing') }
}

/** Why a check can't be made. */
function created(kind: AnyCheckKind, config: unknown, resources: Resources): Finding | undefined {
  try {
    kind.create(config as never, resources).close?.()
    return undefined
  } catch (error) {
    return lacking(kind.name, error, whereOf({ kind, config }))
  }
}

/** What a loader threw, as a finding. @param where in the service's interface to look @throws what is a bug */
export function lacking(what: string, error: unknown, where = ''): Finding {
  if (!(error instanceof Offline || error instanceof SecretFault || error instanceof TlsProblem)) throw error
  const missing = /^(?:the environment variable|there is no file|the file) /.test(error.message)
  const mend = where === '' ? error.mend : `${error.mend.replace(/\.?$/, '.')} ${where}`
  return fail(`${what}.${missing ? 'not-there' : 'unusable'}`, `${error.message}${OFFLINE}`, mend)
}

/** Where in its interface a service shows what the check verifies with. */
function whereOf({ kind, config }: Pick<Member, 'kind' | 'config'>): string {
  if (kind.members) return kind.members(config).map(whereOf).find(Boolean) ?? ''
  const id: unknown = typeof config === 'object' && config !== null ? Reflect.get(config, 'provider') : undefined
  const provider = kind.name === 'signature' && typeof id === 'string' ? providerOf(id) : undefined
  const form = provider?.secret ?? provider?.publicKey
  return provider && form ? `In ${provider.name}: ${form.where}` : ''
}

/** The files of a listener: certificates, their ends, client CAs and CRLs. */
export function lookAtListener(listener: ListenerConfig, { loading, tools }: World): readonly Finding[] {
  const now = tools.clock.now()
  // What a CA issues by ACME is the running gate's.
  const tls = listener.tls && { ...listener.tls, acme: undefined }
  const tried = tryTls({ ...listener, tls }, loading, tools)
  const failures = tried.flatMap(({ failure }) => failure ?? [])
  if (failures.length > 0) return failures.map(({ message, mend }) => fail('listener.unusable', message, mend))
  const expiries = tried.flatMap(each => each.expiries)
  // What has ended is told by its date below.
  const findings = tried
    .flatMap(({ warnings }) => warnings)
    .filter(({ message }) => !/expire[ds]/.test(message))
    .map(({ message, mend }) => warn('listener.warning', message, mend))
  findings.push(...expiries.flatMap(each => ending(each, now)))
  const next = expiries.toSorted((a, b) => a.at - b.at)[0]
  if (findings.length === 0 && next)
    findings.push(
      ok(
        'listener.files',
        `nothing of its files ends before ${new Date(next.at).toISOString().slice(0, 10)} (${next.name})`,
      ),
    )
  return findings
}

const MEND: Readonly<Record<string, string>> = {
  crl: 'publish a new list in its place: once it has ended, the client certificates of its CA are refused',
  staple: 'fetch it anew: once it has ended, the certificate goes out without it',
}

/** Something with an end that is near or has passed. */
export function ending(expiry: Expiry, now: number): Finding[] {
  const { kind, name, at } = expiry
  const what = kind === 'crl' ? 'revocation list' : kind
  const mend = MEND[kind] ?? 'put a renewed one in its place'
  const day = new Date(at).toISOString().slice(0, 10)
  if (at <= now)
    return [
      fail(`${kind}.expired`, `the ${what} ${name} ended on ${day}`, mend, {
        evidence: { at: new Date(at).toISOString() },
      }),
    ]
  if (!endsSoon(expiry, now)) return []
  return [
    warn(`${kind}.ends-soon`, `the ${what} ${name} ends in ${timeLeft(at - now)}, on ${day}`, mend, {
      evidence: { 'days-left': Math.floor((at - now) / DAY) },
    }),
  ]
}
