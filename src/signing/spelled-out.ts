/**
 * A service that is no provider, because no page of its own that says how it signs could be read, or because it signs
 * nothing. What is known of it is told with what that rests on, and never shipped as a fact.
 */
export interface SpelledOutService {
  /** Kebab case. */
  readonly id: string
  readonly name: string
  /** Whether it signs at all, as far as is known. */
  readonly signs: boolean
  /** What is known, one sentence or two. */
  readonly known: string
  /** How sure that is, one sentence. */
  readonly restsOn: string
  /** What the operator does at the service or in the template, a sentence each. */
  readonly steps: readonly string[]
  /** The checks of a route that tell its requests from others, in YAML, an entry each. */
  readonly checks: readonly string[]
  /** Content types beyond JSON that it sends. */
  readonly accept?: readonly string[]
}

export const UNCONFIRMED =
  'Nothing of this is confirmed: try it with a real request of the service before you rely on it.'

const OTHERS = 'It is what programs of others do; no page of the service was read.'
const HEARSAY = 'It is what is commonly said; nothing was read.'

const variable = (id: string, kind: string): string => `${id.toUpperCase().replaceAll('-', '_')}_${kind}`

/** A secret in the address that the service is given: all that is left where it can be told nothing else. */
function tokenInQuery(id: string): Pick<SpelledOutService, 'checks' | 'steps'> {
  return {
    steps: [
      'Put a long random text into the address that you give the service: ?token=TEXT. It ends up in the logs of every hop.',
    ],
    checks: [`api-key: { query: token, keys: [{ name: ${id}, env: ${variable(id, 'TOKEN')} }] }`],
  }
}

/** A header of one's own with a fixed text. */
function fixedHeader(id: string): Pick<SpelledOutService, 'checks' | 'steps'> {
  return {
    steps: ['Have the service send a header X-API-Key with a long random text.'],
    checks: [`api-key: { header: X-API-Key, keys: [{ name: ${id}, env: ${variable(id, 'KEY')} }] }`],
  }
}

/** Credentials that the service is given, in fields of its own or in the address. */
function credentials(id: string): Pick<SpelledOutService, 'checks' | 'steps'> {
  return {
    steps: [
      `Give the service the user ${id} and a long random password, in its own fields or in the address: https://${id}:PASSWORD@HOST/.`,
    ],
    checks: [`basic: { users: [{ name: ${id}, password: { env: ${variable(id, 'PASSWORD')} } }] }`],
  }
}

/** By name. */
export const spelledOutServices: readonly SpelledOutService[] = [
  {
    id: 'calendly',
    name: 'Calendly',
    signs: true,
    known:
      'HMAC-SHA256 over timestamp, "." and raw body, hexadecimal, as v1 beside t in Calendly-Webhook-Signature, under the signing key of the subscription or the OAuth application.',
    restsOn:
      "Calendly's page names the header and the key; the form is what programs of others do, and the tolerance of 3 minutes as well.",
    steps: ['Set signing_key when you create the subscription: without one nothing is signed.'],
    checks: [
      'signature: { scheme: hmac, header: Calendly-Webhook-Signature, list: { tag: "v1=", timestamp-tag: "t=" }, timestamp: { unit: s }, payload: "{timestamp}.{body}", tolerance: 3m, secrets: [{ env: CALENDLY_SECRET }] }',
    ],
  },
  {
    id: 'chatwoot',
    name: 'Chatwoot',
    signs: true,
    known:
      'HMAC-SHA256 over X-Chatwoot-Timestamp, "." and raw body, hexadecimal, behind "sha256=" in X-Chatwoot-Signature, in newer versions; older ones sign nothing.',
    restsOn: "Chatwoot's own source of older versions signs nothing; the newer form is what programs of others do.",
    steps: ['If your version sends no X-Chatwoot-Signature, use api-key with a token in the query instead.'],
    checks: [
      'signature: { scheme: hmac, header: X-Chatwoot-Signature, prefix: "sha256=", timestamp: { header: X-Chatwoot-Timestamp, unit: s }, payload: "{timestamp}.{body}", event-id: { header: X-Chatwoot-Delivery }, secrets: [{ env: CHATWOOT_SECRET }] }',
    ],
  },
  {
    id: 'confluence',
    name: 'Confluence Data Center',
    signs: true,
    known:
      'HMAC-SHA256 over the raw body, hexadecimal, behind "sha256=" in X-Hub-Signature, where the webhook has a secret.',
    restsOn: HEARSAY,
    steps: ['Set a secret in the webhook.'],
    checks: [
      'signature: { scheme: hmac, header: X-Hub-Signature, prefix: "sha256=", secrets: [{ env: CONFLUENCE_SECRET }] }',
    ],
  },
  {
    id: 'datadog',
    name: 'Datadog',
    signs: false,
    known: 'Nothing is signed; a webhook may have headers of its own.',
    restsOn: HEARSAY,
    ...fixedHeader('datadog'),
  },
  {
    id: 'dockerhub',
    name: 'Docker Hub',
    signs: false,
    known: 'Nothing is signed, and nothing but the address can be set. The body names a callback_url.',
    restsOn: HEARSAY,
    ...tokenInQuery('dockerhub'),
  },
  {
    id: 'drift',
    name: 'Drift',
    signs: false,
    known: 'Nothing is signed; the body holds a verification token that is always the same.',
    restsOn: HEARSAY,
    ...tokenInQuery('drift'),
  },
  {
    id: 'dropbox-sign',
    name: 'Dropbox Sign',
    signs: false,
    known:
      'event_hash in the body is an HMAC-SHA256 over the time and the type of the event alone: whoever captures a request can change all else. It stands in a part of a multipart form, which is not read before a request is let in.',
    restsOn:
      'What is signed is what its own libraries (hellosign-openapi) compute; that the answer must be the text "Hello API Event Received" is what others wrote.',
    ...tokenInQuery('dropbox-sign'),
    accept: ['multipart'],
  },
  {
    id: 'freshdesk',
    name: 'Freshdesk',
    signs: false,
    known: 'Nothing is signed; a webhook of an automation rule may have credentials, an API key or headers of its own.',
    restsOn: "A copy of Freshdesk's article names these and no signature.",
    ...credentials('freshdesk'),
  },
  {
    id: 'gorgias',
    name: 'Gorgias',
    signs: false,
    known: 'Nothing is signed; an HTTP integration may have headers of its own.',
    restsOn: HEARSAY,
    ...fixedHeader('gorgias'),
  },
  {
    id: 'livechat',
    name: 'LiveChat',
    signs: false,
    known:
      'Nothing is signed; the body holds a secret_key that you chose, always the same, and passes it on to whoever reads the body.',
    restsOn: HEARSAY,
    ...tokenInQuery('livechat'),
  },
  {
    id: 'mailchimp',
    name: 'Mailchimp audiences',
    signs: false,
    known:
      'Nothing is signed; when the webhook is made its address is tried by a GET. Mailchimp Transactional is the provider mandrill.',
    restsOn: "Mailchimp's support wrote so in a forum.",
    ...tokenInQuery('mailchimp'),
    accept: ['form'],
  },
  {
    id: 'mollie',
    name: 'Mollie',
    signs: false,
    known:
      'Nothing is signed: a form holds the id of what changed, and the state is asked of Mollie. Its newer webhooks may be signed.',
    restsOn: OTHERS,
    ...tokenInQuery('mollie'),
    accept: ['form'],
  },
  {
    id: 'monday',
    name: 'monday.com',
    signs: false,
    known:
      'Webhooks made with the token of an application carry a JWT in Authorization, without "Bearer", which says nothing of the body; others carry nothing. A body with challenge is to be answered when the webhook is made.',
    restsOn: OTHERS,
    ...tokenInQuery('monday'),
  },
  {
    id: 'postmark',
    name: 'Postmark',
    signs: false,
    known: 'Nothing is signed; a webhook may have credentials or headers of its own.',
    restsOn: OTHERS,
    ...credentials('postmark'),
  },
  {
    id: 'servicenow',
    name: 'ServiceNow',
    signs: false,
    known:
      'A script of yours sends: with credentials, a bearer token, a header or a client certificate, as you write it.',
    restsOn: HEARSAY,
    ...credentials('servicenow'),
  },
  {
    id: 'vercel',
    name: 'Vercel',
    signs: true,
    known:
      "HMAC-SHA1 over the raw body, hexadecimal, in x-vercel-signature, under the webhook's secret or the integration's client secret.",
    restsOn: OTHERS,
    steps: ['The secret is shown once, when the webhook is made.'],
    checks: [
      'signature: { scheme: hmac, algorithm: sha1, header: x-vercel-signature, event-id: { json: id }, secrets: [{ env: VERCEL_SECRET }] }',
    ],
  },
  {
    id: 'zoho',
    name: 'Zoho CRM and Desk',
    signs: false,
    known: 'No signature is known; a webhook may have parameters of its own.',
    restsOn: "Zoho's pages on webhooks of Desk and Commerce name none.",
    ...tokenInQuery('zoho'),
  },
]

const byId = new Map(spelledOutServices.map(service => [service.id, service]))

export function spelledOutOf(id: string): SpelledOutService | undefined {
  return byId.get(id)
}
