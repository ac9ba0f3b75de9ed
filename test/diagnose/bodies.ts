import { gateFamily, type Request, type Sent } from './gate-family.ts'

const JSON_TYPE = 'application/json'
const read = (
  what: string,
  cause: string,
  body: string | Buffer,
  more: Partial<Request> & { type?: string; path?: string } = {},
): Request => {
  const { type = JSON_TYPE, path = '/json', ...rest } = more
  return { what, cause, ...rest, send: (): Sent => ({ path, headers: { 'content-type': type }, body }) }
}
const EVENT = {
  kind: 'ticket',
  status: 'open',
  at: '2026-11-28T01:00:00Z',
  email: 'a@crm.example',
  count: 1,
  vip: true,
}
const event = (what: string, cause: string, changes: object, says: RegExp): Request =>
  read(what, cause, JSON.stringify({ ...EVENT, ...changes }), { path: '/event', says })
const deep = '['.repeat(300) + ']'.repeat(300)

/** Bodies and their types, as programs and proxies get them wrong. */
export const bodies = gateFamily({
  name: 'bodies',
  env: {},
  config: `
listeners: [{ name: public, bind: "127.0.0.1:0" }]
routes:
  - { name: json, match: { path: /json }, checks: [{ source-ip: { allow: [127.0.0.1] } }], forward: { to: UPSTREAM/in } }
  - { name: form, match: { path: /form }, checks: [{ source-ip: { allow: [127.0.0.1] } }, { content-type: { accept: [form] } }], forward: { to: UPSTREAM/in } }
  - name: event
    match: { path: /event }
    checks:
      - source-ip: { allow: [127.0.0.1] }
      - schema: { inline: { type: object, required: [kind, status, at, email], properties: { kind: { const: ticket }, status: { enum: [open, closed] }, at: { type: string, format: date-time }, email: { type: string, format: email, maxLength: 40 }, count: { type: integer, minimum: 1 }, vip: { type: boolean }, ref: { type: string, pattern: "^T-[0-9]+$", minLength: 3 } } } }
    forward: { to: UPSTREAM/in }
`,
  requests: [
    read('NaN of a Python program', 'body.fault', '{"id":NaN}', { says: /NaN/ }),
    read('None and True of Python', 'body.fault', '{"id":None,"ok":True}', { says: /Python/ }),
    read('undefined of a template', 'body.fault', '{"id":undefined}', { says: /undefined/ }),
    read('a byte order mark', 'body.fault', '\ufeff{"id":5}', { says: /byte order mark/ }),
    read('comments in JSON', 'body.fault', '{"id":5 /* id */}', { says: /comment/ }),
    read('names without quotation marks', 'body.fault', '{id:5}', { says: /quot/ }),
    read('a line end inside a text', 'body.fault', '{"text":"a\nb"}', { says: /line feed|control|line end/i }),
    read('a backslash before an apostrophe', 'body.fault', `{"text":"it\\'s"}`, { says: /escape/ }),
    read('one JSON object a line', 'body.fault', '{"id":5}\n{"id":6}\n', { says: /line|second|more than one/ }),
    read('300 arrays in each other', 'body.fault', deep, { says: /deep|nest/ }),
    read('umlauts in ISO 8859-1', 'body.fault', Buffer.from('{"name":"Grüße"}', 'latin1'), { says: /UTF-8/ }),
    read('a body in UTF-16', 'body.fault', Buffer.from('\ufeff{"id":5}', 'utf16le'), { says: /UTF-16/ }),
    read('a page of HTML called JSON', 'body.fault', '<!DOCTYPE html><title>504</title>', { says: /HTML/ }),
    read('XML called JSON', 'body.fault', '<?xml version="1.0"?><event/>', { says: /XML/ }),
    read('a form called JSON', 'body.fault', 'id=5&name=a', { says: /form/ }),
    read(
      'a multipart form called JSON',
      'body.fault',
      '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n',
      { says: /multipart/ },
    ),
    read('base64 of JSON, by an API gateway', 'body.fault', Buffer.from('{"id":5,"name":"a"}').toString('base64'), {
      says: /base64/,
    }),
    read('percent-encoded JSON', 'body.fault', encodeURIComponent('{"id":5}'), { says: /percent/ }),
    read(
      'gzip without Content-Encoding',
      'body.fault',
      Buffer.from('1f8b0800000000000003ab56ca4c51b232ad0500', 'hex'),
      { says: /gzip/ },
    ),
    read('an empty body', 'body.fault', '', { says: /empty/ }),
    read('a number alone', 'body.fault', '5', { says: /object|array/ }),
    read('"application/x-json"', 'content-type.json-as-other', '{"id":5}', { type: 'application/x-json' }),
    read('"text/json"', 'content-type.json-as-other', '{"id":5}', { type: 'text/json' }),
    read('application/octet-stream by a queue', 'content-type.json-as-other', '{"id":5}', {
      type: 'application/octet-stream',
    }),
    read('the type twice, by sender and proxy', 'content-type.malformed', '{"id":5}', {
      type: 'application/json, application/json',
    }),
    read('the type with a file of its own quoting', 'content-type.malformed', '{"id":5}', {
      type: '"application/json"',
    }),
    read('the type as "Content-Type: application/json"', 'content-type.malformed', '{"id":5}', {
      type: 'Content-Type: application/json',
    }),
    read('charset=utf8mb4 of a database', 'content-type.charset', '{"id":5}', {
      type: 'application/json; charset=utf8mb4',
    }),
    read('ndjson', 'content-type.json-lines', '{"id":5}\n{"id":6}\n', { type: 'application/x-ndjson' }),
    read("GitHub's webhook set to a form", 'content-type.form', `payload=${encodeURIComponent('{"id":5}')}`, {
      type: 'application/x-www-form-urlencoded',
      says: /payload/,
    }),
    read('JSON where a form is taken', 'content-type.other', '{"id":5}', { path: '/form' }),
    event('a date of another form', 'schema.format', { at: '28.11.2026 01:00' }, /date-time/),
    event('a date without a zone', 'schema.date-zone', { at: '2026-11-28T01:00:00' }, /zone/),
    event('a value in capitals', 'schema.value-case', { status: 'Open' }, /capitals|case/),
    event('a value with a blank behind it', 'schema.value-blank', { status: 'open ' }, /blank/),
    event('"true" as a text', 'schema.type', { vip: 'true' }, /vip/),
    event('a number as a text', 'schema.type', { count: '1' }, /count/),
    event('a number with decimals where a whole one belongs', 'schema.type', { count: 1.5 }, /decimals.*type: number/),
    event('null for a text that is optional', 'schema.type', { ref: null }, /type: \[string, "null"\]/),
    event('an empty text', 'schema.value', { ref: '' }, /empty|short|3/),
    event('a text that is too long', 'schema.value', { email: `${'a'.repeat(60)}@crm.example` }, /40/),
    event('a number with a blank for its hyphen', 'schema.value-separator', { ref: 'T 77' }, /ref/),
    event('a number of another form', 'schema.value', { ref: '77/T' }, /pattern|ref/),
    event('zero where one is the least', 'schema.value', { count: 0 }, /1/),
    event('another kind of event', 'schema.other-value', { kind: 'contact' }, /kind/),
  ],
})
