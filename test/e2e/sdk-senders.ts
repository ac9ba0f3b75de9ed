import { generateKeyPairSync, hash } from 'node:crypto'
import { createRequire } from 'node:module'
import { sign as signForGitHub, verify as verifyForGitHub } from '@octokit/webhooks-methods'
import { Paddle } from '@paddle/paddle-node-sdk'
import { WorkOS } from '@workos-inc/node'
import { verifyKey } from 'discord-interactions'
import { createSigner, httpbis } from 'http-message-signatures'
import Razorpay from 'razorpay'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import Stripe from 'stripe'
import { Webhook as SvixWebhook } from 'svix'
import {
  getExpectedBodyHash,
  getExpectedTwilioSignature,
  validateRequest,
  validateRequestWithBody,
} from 'twilio/lib/webhooks/webhooks.js'
import { type Event, type Fields, fiveMinutes, JSON_TYPE, ofProvider, type Sender, seconds } from './sdk-sender.ts'

type Adyen = typeof import('@adyen/api-library/lib/src/utils/hmacValidator.js', { with: {
  'resolution-mode': 'require',
}})
// Asked for alone: the library's entry loads every API of the service.
const adyen: Adyen = createRequire(import.meta.url)('@adyen/api-library/lib/src/utils/hmacValidator.js')

const FORM = 'application/x-www-form-urlencoded'
const stripe = new Stripe('sk_test_unused').webhooks
const workos = new WorkOS('sk_test_unused').webhooks
const paddle = new Paddle('unused').webhooks
const adyenValidator = new adyen.default()

/** Svix's library and Standard Webhooks' differ in the names of the fields. */
const svixFields =
  (prefix: 'svix' | 'webhook') =>
  ({ id, nowMs, body }: Event, held: string): Fields => ({
    [`${prefix}-id`]: id,
    [`${prefix}-timestamp`]: String(seconds(nowMs)),
    [`${prefix}-signature`]: new SvixWebhook(held).sign(id, new Date(nowMs), body),
  })

/** A form as Twilio's library takes it. */
function parametersOf(body: string): Record<string, string | string[]> {
  const form = new URLSearchParams(body)
  return Object.fromEntries(
    [...form.keys()].map(name => [name, form.getAll(name).length > 1 ? form.getAll(name) : (form.get(name) ?? '')]),
  )
}

const twilioForm = (id: string) => ({ From: '+491701234567', Body: ['Grüße 👋', 'again'], MessageSid: id, Empty: '' })

function ed25519Pair() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  return {
    held: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    given: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  }
}

/** Services that sign in fields of the request. */
export const fieldSenders: readonly Sender[] = [
  {
    name: 'stripe',
    ...ofProvider('stripe'),
    window: fiveMinutes,
    sign: ({ body, nowMs }, secret) => ({
      'Stripe-Signature': stripe.generateTestHeaderString({ payload: body, secret, timestamp: seconds(nowMs) }),
    }),
    verify: ({ body, headers }, secret) => stripe.constructEvent(body, String(headers['Stripe-Signature']), secret),
  },
  {
    name: 'github',
    ...ofProvider('github'),
    sign: async ({ body }, secret) => ({ 'X-Hub-Signature-256': await signForGitHub(secret, body) }),
    verify: ({ body, headers }, secret) => verifyForGitHub(secret, body, String(headers['X-Hub-Signature-256'])),
  },
  {
    name: 'twilio-form',
    ...ofProvider('twilio', FORM),
    body: id =>
      new URLSearchParams(
        Object.entries(twilioForm(id)).flatMap(([name, value]) => [value].flat().map(one => [name, one])),
      ).toString(),
    arrives: ({ id }) => twilioForm(id),
    query: () => 'a=1&b=two',
    sign: ({ url, body }, token) => ({
      'X-Twilio-Signature': getExpectedTwilioSignature(token, url, parametersOf(body)),
    }),
    verify: ({ url, body, headers }, token) =>
      validateRequest(token, String(headers['X-Twilio-Signature']), url, parametersOf(body)),
  },
  {
    name: 'twilio-json',
    ...ofProvider('twilio'),
    query: body => `a=1&bodySHA256=${getExpectedBodyHash(body)}`,
    sign: ({ url }, token) => ({ 'X-Twilio-Signature': getExpectedTwilioSignature(token, url, {}) }),
    verify: ({ url, body, headers }, token) =>
      validateRequestWithBody(token, String(headers['X-Twilio-Signature']), url, body),
  },
  {
    name: 'standard-webhooks',
    ...ofProvider('standard-webhooks'),
    window: fiveMinutes,
    sign: ({ id, nowMs, body }, secret) => ({
      'webhook-id': id,
      'webhook-timestamp': String(seconds(nowMs)),
      'webhook-signature': new StandardWebhook(secret).sign(id, new Date(nowMs), body),
    }),
    verify: ({ body, headers }, secret) => new StandardWebhook(secret).verify(body, headers),
  },
  {
    name: 'svix',
    ...ofProvider('svix'),
    window: fiveMinutes,
    sign: svixFields('svix'),
    verify: ({ body, headers }, secret) => new SvixWebhook(secret).verify(body, headers),
  },
  { name: 'svix-unbranded', ...ofProvider('svix'), window: fiveMinutes, sign: svixFields('webhook') },
  {
    name: 'resend',
    ...ofProvider('resend'),
    window: fiveMinutes,
    sign: svixFields('svix'),
    verify: ({ body, headers }, secret) => new SvixWebhook(secret).verify(body, headers),
  },
  {
    name: 'razorpay',
    ...ofProvider('razorpay'),
    verify: ({ body, headers }, secret) =>
      Razorpay.validateWebhookSignature(body, String(headers['X-Razorpay-Signature']), secret),
  },
  {
    name: 'workos',
    ...ofProvider('workos'),
    // Its library signs what it parsed and wrote again.
    body: id => JSON.stringify({ id, event: 'user.created', data: { name: 'Grüße 👋', amount: 12.5 } }),
    window: { past: 180_000, ahead: 180_000 },
    sign: async ({ nowMs, body }, secret) => ({
      'WorkOS-Signature': `t=${nowMs}, v1=${await workos.computeSignature(nowMs, JSON.parse(body), secret)}`,
    }),
    verify: ({ body, headers }, secret) =>
      workos.verifyHeader({ payload: JSON.parse(body), sigHeader: String(headers['WorkOS-Signature']), secret }),
  },
  {
    name: 'paddle',
    ...ofProvider('paddle'),
    window: { past: 5_000, ahead: 5_000 },
    verify: ({ body, headers }, secret) => paddle.isSignatureValid(body, secret, String(headers['Paddle-Signature'])),
  },
  {
    name: 'adyen-platform',
    ...ofProvider('adyen-platform'),
    sign: ({ body }, key) => ({ HmacSignature: adyenValidator.calculateHmac(body, key) }),
    verify: ({ body, headers }, key) => adyenValidator.validateHMACSignature(key, String(headers.HmacSignature), body),
  },
  {
    name: 'discord',
    ...ofProvider('discord'),
    window: fiveMinutes,
    verify: ({ body, headers }, key) =>
      verifyKey(body, String(headers['X-Signature-Ed25519']), String(headers['X-Signature-Timestamp']), key),
  },
  {
    name: 'rfc-9421',
    signature: `{ scheme: http-message-signature, algorithm: ed25519, keys: [{ id: partner-1, env: KEY }],
          require: ["@method", "@target-uri", content-digest, content-type], max-age: 5m }`,
    makeKeys: ed25519Pair,
    query: () => 'a=1&b=two',
    window: { past: 300_000, ahead: 60_000 },
    async sign({ id, nowMs, url, body }, held) {
      const digest = `sha-256=:${hash('sha256', body, 'base64')}:`
      const config = {
        key: createSigner(held, 'ed25519', 'partner-1'),
        fields: ['@method', '@target-uri', 'content-digest', 'content-type'],
        params: ['created', 'nonce', 'keyid', 'alg'],
        paramValues: { created: new Date(nowMs), nonce: id },
      }
      const headers = { 'Content-Type': JSON_TYPE, 'Content-Digest': digest }
      const signed = await httpbis.signMessage(config, { method: 'POST', url, headers })
      return Object.fromEntries(Object.entries(signed.headers).map(([name, value]) => [name, String(value)]))
    },
  },
]
