/** What the demo sends: real sample events, each made as its service makes it, and forged ones beside them. */
export interface DemoEvent {
  /** The provider's id. */
  readonly provider: string
  readonly path: string
  readonly what: string
  readonly body: string
  /** Sent beside what the signature needs. */
  readonly headers: Readonly<Record<string, string>>
}

export interface DemoCase {
  readonly event: DemoEvent
  /** What was done to it; empty for a right one. */
  readonly forged:
    | ''
    | 'wrong secret'
    | 'old timestamp'
    | 'changed body'
    | 'too large'
    | 'wrong type'
    | 'foreign address'
    | 'sent again'
    | 'suffix left out'
}

/** Of Telegram's published networks, and of none. */
export const TELEGRAM_ADDRESS = '149.154.167.220'
export const FOREIGN_ADDRESS = '203.0.113.9'

const json = (value: unknown): string => JSON.stringify(value)

const telegram: DemoEvent = {
  provider: 'telegram',
  path: '/hooks/telegram',
  what: 'Telegram message in a forum topic',
  headers: {},
  body: json({
    update_id: 874512390,
    message: {
      message_id: 4711,
      from: { id: 5550001234, is_bot: false, first_name: 'Olena', username: 'olena_k', language_code: 'uk' },
      chat: { id: -1001884413322, title: 'Support', is_forum: true, type: 'supergroup' },
      date: 1795514400,
      message_thread_id: 218,
      is_topic_message: true,
      text: 'The invoice of order 10482 is still missing.',
    },
  }),
}

const zendesk: DemoEvent = {
  provider: 'zendesk',
  path: '/hooks/zendesk',
  what: 'Zendesk ticket event',
  headers: {
    'X-Zendesk-Webhook-Id': '01HQ6Z3W9QF1K2X7M5B8T4R6YD',
    'X-Zendesk-Webhook-Invocation-Id': '01KAR5M2T9Q8B7C6D5E4F3G2H1',
  },
  body: json({
    type: 'zen:event-type:ticket.status_changed',
    account_id: 12514403,
    id: '2b24ef10-19d3-4740-93cf-8f98ec4776c0',
    time: '2026-11-24T09:58:12.114Z',
    zendesk_event_version: '2022-11-06',
    subject: 'zen:ticket:35436',
    detail: { id: '35436', status: 'OPEN', assignee_id: '8447388090494', subject: 'Invoice missing', priority: 'HIGH' },
    event: { current: 'OPEN', previous: 'NEW' },
  }),
}

const github: DemoEvent = {
  provider: 'github',
  path: '/hooks/github',
  what: 'GitHub push',
  headers: { 'X-GitHub-Event': 'push', 'X-GitHub-Delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958' },
  body: json({
    ref: 'refs/heads/main',
    before: '6113728f27ae82c7b1a177c8d03f9e96e0adf246',
    after: '59b20b8d5c6ff8d09518454d4dd8b7a30f095ab5',
    repository: { id: 186853002, full_name: 'example/crm', private: true },
    pusher: { name: 'olena', email: 'olena@example.com' },
    commits: [
      {
        id: '59b20b8d5c6ff8d09518454d4dd8b7a30f095ab5',
        message: 'Assign by topic',
        added: [],
        modified: ['assign.py'],
      },
    ],
  }),
}

const stripe: DemoEvent = {
  provider: 'stripe',
  path: '/hooks/stripe',
  what: 'Stripe invoice paid',
  headers: {},
  body: json({
    id: 'evt_1SXk2eLkdIwHu7ixQm3mTg5S',
    object: 'event',
    api_version: '2025-10-29.clover',
    created: 1795514400,
    type: 'invoice.paid',
    livemode: false,
    data: {
      object: {
        id: 'in_1SXk2dLkdIwHu7ixZ0aB9cXy',
        object: 'invoice',
        customer: 'cus_TUhs9KkLmN3pQr',
        amount_paid: 4900,
        currency: 'eur',
        status: 'paid',
      },
    },
  }),
}

export const demoCases: readonly DemoCase[] = [
  { event: telegram, forged: '' },
  { event: zendesk, forged: '' },
  { event: github, forged: '' },
  { event: stripe, forged: '' },
  { event: zendesk, forged: 'wrong secret' },
  { event: stripe, forged: 'old timestamp' },
  { event: github, forged: 'changed body' },
  { event: zendesk, forged: 'too large' },
  { event: github, forged: 'wrong type' },
  { event: telegram, forged: 'foreign address' },
  { event: github, forged: 'sent again' },
  { event: zendesk, forged: 'suffix left out' },
]

/** The gate's config; it stands behind a load balancer on this host, so that addresses can be shown. */
export const demoConfig = (
  port: number,
  upstream: string,
): string => `# The demo's config. It can be run again: sallyport run --config gate.yaml
listeners:
  - name: public
    bind: 127.0.0.1:${port}
    tls: { certificates: [{ cert: certs/server.crt, key: certs/server.key }] }
    trusted-proxies: [127.0.0.0/8]     # the demo speaks as a load balancer that names the sender's address

routes:
  - name: telegram
    match: { path: /hooks/telegram }
    checks:
      - source-ip: { allow: ["provider:telegram"] }
      - signature: { provider: telegram, secrets: [{ file: secrets/telegram }] }
      - replay: {}
    forward: { to: ${upstream}/telegram }

  - name: zendesk
    match: { path: /hooks/zendesk }
    checks:
      - body-limit: { max: 64KiB }
      - signature: { provider: zendesk, secrets: [{ file: secrets/zendesk }], tolerance: 5m }
      - replay: {}
      - schema:
          inline: { type: object, required: [type, detail], properties: { detail: { type: object, required: [id] } } }
    forward: { to: ${upstream}/zendesk }

  - name: github
    match: { path: /hooks/github }
    checks:
      - rate-limit: { rate: 600/min, by: source-ip }
      - content-type: { accept: [json, form] }
      - signature: { provider: github, secrets: [{ file: secrets/github }] }
      - replay: {}
    forward: { to: ${upstream}/github, pass-headers: [X-GitHub-Event] }

  - name: stripe
    match: { path: /hooks/stripe }
    checks:
      - signature: { provider: stripe, secrets: [{ file: secrets/stripe }] }
      - replay: {}
    forward: { to: ${upstream}/stripe }
`
