import { characterAt, describeCharacter, indexOfHidden } from '../../config/characters.ts'
import { type Finding, fail, ok, warn } from '../../core/finding.ts'
import { withoutUser } from '../../core/masked-url.ts'
import { nearestRoute } from '../../pipeline/nearest.ts'
import { isLoopbackHost } from './addresses.ts'
import type { Target } from './target.ts'
import type { World } from './world.ts'

/** What the text of a URL alone tells. @returns `url` where there is one to go on with */
export function lookAtUrl(
  target: Target,
  world: World | undefined,
): { readonly url: URL | undefined; readonly findings: readonly Finding[] } {
  const { text, from, listener } = target
  const findings: Finding[] = []
  const at = indexOfHidden(text)
  const blank = text.search(/\s/)
  const odd = at < 0 ? blank : blank < 0 ? at : Math.min(at, blank)
  if (odd >= 0)
    findings.push(
      fail(
        'url.hidden-character',
        `the URL holds ${describeCharacter(characterAt(text, odd))} as character ${[...text.slice(0, odd)].length + 1}`,
        'type it by hand into the service: what was copied brought it along',
      ),
    )
  const quote = /^["'`“”‘’„«»<([{]|["'`“”‘’«»>)\]]$/u.exec(text)?.[0]
  if (quote !== undefined) {
    findings.push(
      fail(
        'url.quotes',
        `${describeCharacter(quote)} stands around the URL`,
        'enter the URL in the service without marks around it',
      ),
    )
    return { url: undefined, findings }
  }
  const placeholder = /[{<][^{}<>]*[}>]|\$\w+|%7[Bb].*?%7[Dd]|\bYOUR[-_]\w+|(?<=\/):\w+/.exec(withoutUser(text))?.[0]
  if (placeholder !== undefined)
    findings.push(
      fail(
        'url.placeholder',
        `the URL holds a placeholder that was not filled in: ${placeholder.slice(0, 40)}`,
        'enter the URL in the service with its own value there',
      ),
    )
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    findings.push(
      fail('url.unreadable', 'it is no http or https URL', 'write it whole, e.g. https://hooks.example.com/in'),
    )
    return { url: undefined, findings }
  }
  if (url.username !== '' || url.password !== '')
    findings.push(
      warn(
        'url.credentials',
        'the URL holds a user or a password, which services log',
        'use a secret or a token of the route instead',
      ),
    )
  if (url.hash !== '')
    findings.push(
      warn('url.fragment', 'the URL holds a fragment, which is never sent', 'leave out "#" and what follows'),
    )
  if (url.protocol === 'http:' && !isLoopbackHost(url.hostname))
    findings.push(
      fail(
        'url.plain-http',
        'the URL is plain http: whoever is on the way reads and changes what is sent',
        'give the service the https URL',
      ),
    )
  if (from === 'listener' && listener && !isLoopbackHost(url.hostname))
    findings.push(
      warn(
        'url.unknown',
        `no public-url says what the service was given, so the listener itself was asked, at ${url.origin}`,
        'add public-url to the listener, or name the URL here: --url https://hooks.example.com',
      ),
    )
  if (placeholder !== undefined) return { url: undefined, findings }
  findings.push(...routeFindings(target, url, world))
  return { url, findings }
}

function routeFindings({ route, listener }: Target, url: URL, world: World | undefined): Finding[] {
  const table = listener && world?.compiled.tables.get(listener.name)
  if (table === undefined)
    return [ok('url.form', `${url.protocol.slice(0, -1)}, host ${url.hostname}, path ${url.pathname}`)]
  const host = url.hostname
  const method = route?.match.methods[0] ?? 'POST'
  const match = table.match(method, host, url.pathname)
  const name = match.route?.name
  if (name !== undefined && (route === undefined || name === route.name))
    return [ok('url.route', `its path leads to the route ${name}`, { path: url.pathname })]
  if (route && name !== undefined)
    return [
      fail(
        'url.other-route',
        `its path ${url.pathname} leads to the route ${name}, and not to ${route.name}`,
        `give the service a URL with the path ${route.match.path ?? route.match.pathPrefix}`,
      ),
    ]
  const near = nearestRoute(table, host, url.pathname, Date.now())
  const differs = typeof near.differs === 'string' ? `: ${near.differs}` : ''
  const asked = match.route === undefined && match.methods.length > 0
  return [
    asked
      ? fail(
          'url.method',
          `the path takes ${match.methods.join(', ')}, and not ${method}`,
          'add the method to match.methods',
        )
      : fail(
          'url.path-unmatched',
          `no route of the listener ${listener?.name} has its path ${url.pathname}${differs}`,
          'correct the URL in the service, or match.path in the config',
          { evidence: near },
        ),
  ]
}
