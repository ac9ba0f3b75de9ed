import { type SpelledOutService, spelledOutServices, UNCONFIRMED } from '../signing/spelled-out.ts'
import { table } from './table.ts'

/** A route for the service, as one entry under `routes:`, with comments; YAML, two spaces deep. */
export function templateOf({ id, name, known, restsOn, steps, checks, accept = ['json'] }: SpelledOutService): string {
  const comments = [`${name}: ${known}`, restsOn, UNCONFIRMED, ...steps]
  const written = [`content-type: { accept: [${accept.join(', ')}] }`, ...checks, 'replay: {}']
  // What needs the head alone stands first.
  const sorted = checks.some(check => check.startsWith('signature'))
    ? written
    : [...checks, ...written.filter(check => !checks.includes(check))]
  return [
    ...comments.map(comment => `  # ${comment}`),
    `  - name: ${id}`,
    `    match: { path: /hooks/${id} }`,
    '    checks:',
    ...sorted.map(check => `      - ${check}`),
    `    forward: { to: "http://127.0.0.1:3000/${id}" }`,
    '',
  ].join('\n')
}

/** The second block of the list. */
export function spelledOutList(): string {
  const rows = spelledOutServices.map(({ id, name, checks, signs }) => [
    id,
    name,
    checks.map(check => check.slice(0, check.indexOf(':'))).join(', '),
    signs ? 'as others do it' : 'nothing to verify',
  ])
  return `Spell the scheme out: these are no providers, as nothing official was found, or they sign nothing.\n\n${table(['service', 'name', 'check', 'signature'], rows)}`
}

export function spelledOutPage(service: SpelledOutService): string {
  const { id, name, known, restsOn, steps } = service
  const fields = [
    ['known', known],
    ['rests on', restsOn],
    ['to do', steps.join('\n')],
  ] as const
  const lines = fields.map(([label, text]) => `  ${label.padEnd(10)} ${text.replaceAll('\n', `\n${' '.repeat(13)}`)}\n`)
  return `${name} (${id}) is no provider: spell the scheme out.\n\n${lines.join('')}\n${UNCONFIRMED}\n\nUnder routes, to paste:\n\n${templateOf(service)}`
}

export function plainSpelledOut(service: SpelledOutService): Record<string, unknown> {
  const { id, name, signs, known, restsOn, steps, accept } = service
  return {
    id,
    name,
    confirmed: false,
    signs,
    known,
    'rests-on': restsOn,
    'to-do': steps,
    accept: accept ?? ['json'],
    config: templateOf(service),
  }
}
