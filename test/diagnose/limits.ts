import { gzipSync } from 'node:zlib'
import { gateFamily, type Request, type Sent } from './gate-family.ts'

const JSON_TYPE = { 'content-type': 'application/json' }
const post =
  (path: string, headers: Sent['headers'] = {}, more: Partial<Sent> = {}) =>
  (): Sent => ({
    path,
    headers: { ...JSON_TYPE, ...headers },
    body: '{"update_id":812}',
    ...more,
  })
const from = (
  what: string,
  cause: string,
  forwarded: string,
  more: Partial<Request> & { path?: string; headers?: Record<string, string> } = {},
): Request => {
  const { path = '/partner', headers, ...rest } = more
  return { what, cause, ...rest, send: post(path, { 'x-forwarded-for': forwarded, ...headers }, { to: 'behind' }) }
}
const typed = (
  what: string,
  cause: string,
  type: string | undefined,
  body: string | Buffer,
  more: Partial<Request> = {},
): Request => ({
  what,
  cause,
  ...more,
  send: (): Sent => ({ path: '/json', headers: type === undefined ? {} : { 'content-type': type }, body }),
})
const event = (
  what: string,
  cause: string,
  body: unknown,
  says: RegExp,
  more: Partial<Request> & { path?: string } = {},
): Request => {
  const { path = '/event', ...rest } = more
  return { what, cause, says, ...rest, send: (): Sent => ({ path, headers: JSON_TYPE, body: JSON.stringify(body) }) }
}
const GOOD = { event_type: 'ticket.created', timestamp: '2026-11-28T01:00:00Z', data: { id: 5 }, priority: 'high' }

/** Addresses, rates, sizes, types and schemas. */
export const limits = gateFamily({
  name: 'limits',
  env: { KB: 'kb-1f8e3d6c9b2a47508d7e' },
  listeners: 2,
  config: `
listeners:
  - { name: public, bind: "127.0.0.1:0" }
  - { name: behind, bind: "127.0.0.1:0", trusted-proxies: [127.0.0.1] }
routes:
  - { name: partner, match: { path: /partner }, checks: [{ source-ip: { allow: [203.0.113.0/28] } }], forward: { to: UPSTREAM/in } }
  - { name: neighbour, match: { path: /neighbour }, checks: [{ source-ip: { allow: [198.51.100.0/24] } }], forward: { to: UPSTREAM/in } }
  - { name: telegram, match: { path: /telegram }, checks: [{ source-ip: { allow: ["provider:telegram"] } }], forward: { to: UPSTREAM/in } }
  - { name: denied, match: { path: /denied }, checks: [{ source-ip: { allow: [192.0.2.0/24], deny: [192.0.2.66] } }], forward: { to: UPSTREAM/in } }
  - { name: slow, match: { path: /slow }, checks: [{ rate-limit: { rate: 1/h } }], forward: { to: UPSTREAM/in } }
  - { name: tenant, match: { path: /tenant }, checks: [{ rate-limit: { rate: 1/h, by: { header: X-Tenant } } }], forward: { to: UPSTREAM/in } }
  - { name: all, match: { path: /all }, checks: [{ rate-limit: { rate: 1/h, by: route } }], forward: { to: UPSTREAM/in } }
  - { name: small, match: { path: /small }, checks: [{ source-ip: { allow: [127.0.0.1] } }, { body-limit: { max: 2KiB } }], forward: { to: UPSTREAM/in } }
  - { name: json, match: { path: /json }, checks: [{ source-ip: { allow: [127.0.0.1] } }], forward: { to: UPSTREAM/in } }
  - name: event
    match: { path: /event }
    checks:
      - source-ip: { allow: [127.0.0.1] }
      - schema: { inline: { type: object, required: [event_type, timestamp, data], properties: { event_type: { type: string }, timestamp: { type: string }, priority: { enum: [low, high] }, data: { type: object, required: [id], properties: { id: { type: integer } } } }, additionalProperties: false } }
    forward: { to: UPSTREAM/in }
  - name: contact
    match: { path: /contact }
    checks:
      - source-ip: { allow: [127.0.0.1] }
      - schema: { inline: { type: object, required: [contact], properties: { contact: { type: object, required: [phone] } } } }
    forward: { to: UPSTREAM/in }
`,
  requests: [
    {
      what: 'a load balancer that the listener does not trust',
      cause: 'source-ip.own-proxy',
      says: /trusted-proxies/,
      send: post('/partner', { 'x-forwarded-for': '203.0.113.9' }),
    },
    {
      what: 'a load balancer that speaks Forwarded, and is not trusted',
      cause: 'source-ip.own-proxy',
      send: post('/partner', { forwarded: 'for=203.0.113.9;proto=https' }),
    },
    {
      what: 'a load balancer that tells X-Real-IP alone',
      cause: 'source-ip.own-proxy',
      send: post('/partner', { 'x-real-ip': '203.0.113.9' }),
    },
    { what: 'NAT of a container, which hides the sender', cause: 'source-ip.hidden-by-nat', send: post('/partner') },
    from('a second proxy behind the first', 'source-ip.second-proxy', '203.0.113.9, 192.0.2.80'),
    from('a sender that came over IPv6', 'source-ip.other-family', '2001:db8::9', { says: /IPv6/ }),
    from('an address just beside the listed network', 'source-ip.beside', '203.0.113.40'),
    from("the neighbour route's partner", 'source-ip.other-route', '198.51.100.20', { says: /neighbour/ }),
    from("Telegram's network, at a route that is not Telegram's", 'source-ip.other-route', '149.154.167.220', {
      says: /telegram/,
      also: ['source-ip.other-provider'],
    }),
    from('a network of the provider that the list does not hold yet', 'source-ip.list-old', '100.20.0.7', {
      path: '/telegram',
    }),
    from('an address that is denied and allowed', 'source-ip.denied', '192.0.2.66', { path: '/denied', says: /deny/ }),
    from('a stranger', 'source-ip.unknown', '100.20.0.7'),
    {
      what: 'all senders counted as one address, that of the proxy',
      cause: 'rate-limit.shared-address',
      send: post('/slow', { 'x-forwarded-for': '203.0.113.9' }, { times: 2 }),
    },
    {
      what: "the gate's own limit",
      cause: 'rate-limit.own-limit',
      send: post('/slow', { 'x-forwarded-for': '198.51.100.7' }, { to: 'behind', times: 2 }),
    },
    {
      what: 'a limit by tenant, whose header is not sent',
      cause: 'rate-limit.header-missing',
      says: /X-Tenant/,
      also: ['rate-limit.shared-address'],
      send: post('/tenant', {}, { times: 2 }),
    },
    {
      what: 'a limit for all of the route',
      cause: 'rate-limit.own-limit',
      says: /all senders/,
      send: post('/all', {}, { times: 2 }),
    },
    {
      what: 'an attachment in the event',
      cause: 'body-limit.one-member',
      says: /attachments\[0\]\.content/,
      send: post(
        '/small',
        {},
        { body: JSON.stringify({ id: 1, attachments: [{ name: 'a.pdf', content: 'x'.repeat(4000) }] }) },
      ),
    },
    {
      what: 'an attachment in an event without Content-Length',
      cause: 'body-limit.one-member',
      says: /message\.photo/,
      send: post(
        '/small',
        { 'transfer-encoding': 'chunked' },
        { chunked: true, body: JSON.stringify({ message: { photo: 'x'.repeat(4000) } }) },
      ),
    },
    {
      what: 'a list of many small things',
      cause: 'body-limit.too-large',
      send: post('/small', {}, { body: JSON.stringify({ list: Array.from({ length: 600 }, (_, id) => ({ id })) }) }),
    },
    typed('a form where JSON is taken', 'content-type.form', 'application/x-www-form-urlencoded', 'id=5&name=a'),
    typed(
      'JSON called a form, by curl -d',
      'content-type.json-as-other',
      'application/x-www-form-urlencoded',
      '{"id":5}',
    ),
    typed('JSON called text/plain', 'content-type.json-as-other', 'text/plain; charset=utf-8', '{"id":5}'),
    typed('no Content-Type', 'content-type.missing', undefined, '{"id":5}'),
    typed('another charset', 'content-type.charset', 'application/json; charset=iso-8859-1', '{"id":5}'),
    typed('XML', 'content-type.xml', 'text/xml', '<event id="5"/>'),
    typed(
      'multipart',
      'content-type.multipart',
      'multipart/form-data; boundary=x',
      '--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n',
    ),
    typed('"json" as the type', 'content-type.malformed', 'json', '{"id":5}'),
    typed('JSON that breaks off', 'body.fault', 'application/json', '{"id":5,"name":"Gr'),
    typed('JSON with a comma behind the last member', 'body.fault', 'application/json', '{"id":5,}'),
    typed('one member twice', 'body.fault', 'application/json', '{"id":5,"id":6}', { says: /id|twice/ }),
    typed('single quotes of Python', 'body.fault', 'application/json', "{'id':5}"),
    {
      what: 'a body that a client compresses unasked',
      cause: 'content-encoding.not-listed',
      send: (): Sent => ({
        path: '/json',
        headers: { ...JSON_TYPE, 'content-encoding': 'gzip' },
        body: gzipSync('{"id":5}'),
      }),
    },
    {
      what: 'a coding that nobody knows',
      cause: 'content-encoding.unknown',
      send: (): Sent => ({ path: '/json', headers: { ...JSON_TYPE, 'content-encoding': 'aws-chunked' }, body: 'x' }),
    },
    {
      what: 'compressed twice, by sender and proxy',
      cause: 'content-encoding.several',
      send: (): Sent => ({
        path: '/json',
        headers: { ...JSON_TYPE, 'content-encoding': 'gzip, gzip' },
        body: gzipSync(gzipSync('{}')),
      }),
    },
    event('data.ID in place of data.id', 'schema.other-name', { ...GOOD, data: { ID: 5 } }, /data\.ID/),
    event(
      'eventType in place of event_type',
      'schema.other-name',
      { eventType: 'x', timestamp: GOOD.timestamp, data: GOOD.data },
      /eventType/,
    ),
    event('no event_type', 'schema.missing', { timestamp: GOOD.timestamp, data: GOOD.data }, /event_type/),
    event('the timestamp as a number', 'schema.type', { ...GOOD, timestamp: 1764291600 }, /timestamp is a number/),
    event('the id as a string', 'schema.type', { ...GOOD, data: { id: '5' } }, /holds a number/),
    event('an event inside "event"', 'schema.wrapped', { event: GOOD }, /inside event/),
    event('an event inside "payload.body"', 'schema.wrapped', { payload: { body: GOOD } }, /inside payload\.body/),
    event('a member that is new', 'schema.unwanted', { ...GOOD, tenant: 5 }, /tenant/),
    event('a value that is new', 'schema.other-value', { ...GOOD, priority: 'urgent' }, /priority/),
    event("another route's event", 'schema.other-route', { contact: { phone: '+49' } }, /contact/, {
      also: ['schema.unwanted', 'schema.missing'],
    }),
    event('an array of events', 'schema.type', [GOOD], /describe the array/),
    event('the event as a JSON string', 'body.fault', JSON.stringify(GOOD), /neither an object nor an array/),
    event('data is null', 'schema.type', { ...GOOD, data: null }, /null/),
  ],
})
