import { describe, expect, it } from 'vitest'
import { type RouteEntry, RouteTable } from '../../src/pipeline/match.ts'
import { nearestRoute } from '../../src/pipeline/nearest.ts'
import type { Route } from '../../src/pipeline/route.ts'

function entry(name: string, path: string, options: { host?: string; methods?: string[] } = {}): RouteEntry {
  // Matching looks at the name and the methods only.
  const route = { name, methods: new Set(options.methods ?? ['POST']) } as unknown as Route
  return { route, host: options.host, path, prefix: path.endsWith('/') }
}

const entries = [
  entry('any-exact', '/hooks/a'),
  entry('own-exact', '/hooks/a', { host: 'gw.test' }),
  entry('kb', '/hooks/kb/'),
  entry('kb-deep', '/hooks/kb/deep/'),
  entry('kb-one', '/hooks/kb/one'),
  entry('put', '/hooks/b', { methods: ['PUT'] }),
  entry('post', '/hooks/b', { methods: ['POST'] }),
  entry('root', '/', { host: 'files.test' }),
]

describe('the route table', () => {
  it.each([
    ['POST', 'gw.test', '/hooks/a', 'own-exact'],
    ['POST', 'other.test', '/hooks/a', 'any-exact'],
    ['POST', 'x', '/hooks/kb/', 'kb'],
    ['POST', 'x', '/hooks/kb/x', 'kb'],
    ['POST', 'x', '/hooks/kb/one', 'kb-one'],
    ['POST', 'x', '/hooks/kb/one/two', 'kb'],
    ['POST', 'x', '/hooks/kb/deep/er', 'kb-deep'],
    ['POST', 'x', '/hooks/kb/deep', 'kb'],
    ['PUT', 'x', '/hooks/b', 'put'],
    ['POST', 'x', '/hooks/b', 'post'],
    ['POST', 'files.test', '/anything', 'root'],
    ['POST', 'files.test', '/hooks/a', 'root'],
    ['POST', 'x', '/hooks/kb', undefined],
    ['POST', 'x', '/hooks/kbx', undefined],
    ['POST', 'x', '/hooks/a/', undefined],
    ['POST', 'x', '/', undefined],
  ])('%s %s %s is %s, whatever the order', (method, host, path, name) => {
    expect(new RouteTable(entries).match(method, host, path).route?.name).toBe(name)
    expect(new RouteTable([...entries].reverse()).match(method, host, path).route?.name).toBe(name)
  })

  it('tells the methods of a path that has routes', () => {
    const match = new RouteTable(entries).match('GET', 'x', '/hooks/b')
    expect(match.route === undefined && [...match.methods].sort()).toEqual(['POST', 'PUT'])
  })

  it('costs no more with ten thousand routes', () => {
    const many = Array.from({ length: 10_000 }, (_, i) => entry(`r${i}`, `/hooks/${i}/`))
    const table = new RouteTable([...many, ...entries])
    expect(table.match('POST', 'x', '/hooks/9999/deep/path').route?.name).toBe('r9999')
    expect(table.match('POST', 'x', `/${'a/'.repeat(4000)}`).route).toBeUndefined()
  })
})

describe('the nearest route', () => {
  const table = new RouteTable([entry('zendesk', '/hooks/zendesk', { host: 'crm.test' }), entry('kb', '/hooks/kb/')])
  let second = 0
  const near = (host: string, path: string) => nearestRoute(table, host, path, ++second * 1000)

  it.each([
    ['crm.test', '/hooks/zendesk/', 'zendesk', 'a slash too many at its end'],
    ['crm.test', '/hooks', 'kb', 'lacks the suffix /kb/'],
    ['crm.test', '/hooks/kb', 'kb', 'lacks the slash at its end'],
    ['crm.test', '/hooks/Zendesk', 'zendesk', 'upper and lower case'],
    ['crm.test', '/hooks/zendesk/tickets', 'zendesk', 'has /tickets too much'],
    ['crm.test', '/hooks/zendes', 'zendesk', 'lacks the suffix k'],
    ['crm.test', '/api/hooks/zendesk', 'zendesk', 'has /api before it'],
    ['other.test', '/hooks/zendesk', 'zendesk', 'the route is for crm.test'],
  ])('of %s%s is %s: %s', (host, path, name, says) => {
    const evidence = near(host, path)
    expect(evidence['nearest-route']).toBe(name)
    expect(evidence.differs).toContain(says)
  })

  it('is none for what is nothing like a route, and bounded in work', () => {
    expect(near('crm.test', '/wp-login.php')).toEqual({})
    expect(near('crm.test', `/${'a'.repeat(5000)}`)).toEqual({})
    const now = ++second * 1000
    for (let i = 0; i < 20; i++) nearestRoute(table, 'crm.test', '/hooks/kb', now)
    expect(nearestRoute(table, 'crm.test', '/hooks/kb', now)).toEqual({})
  })
})
