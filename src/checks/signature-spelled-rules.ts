import type { z } from 'zod'
import { type SpelledOutConfig, templateFault } from './signature-spelled.ts'

type Say = (key: string, message: string) => void

/** What the schema of a scheme alone does not tell: which of its keys go together. */
export function crossCheckSpelled(config: SpelledOutConfig, context: z.RefinementCtx): void {
  const say: Say = (key, message) => context.addIssue({ code: 'custom', path: key === '' ? [] : [key], message })
  checkKeys(config, say)
  checkAlgorithm(config, say)
  checkPlaces(config, say)
  checkPayload(config, say)
  if (config.tolerance !== undefined && !config.timestamp)
    say('tolerance', 'there is no signed timestamp to tolerate: leave it out, or add timestamp')
}

function checkKeys({ scheme, secrets: given, keys: open, 'key-form': form }: SpelledOutConfig, say: Say): void {
  if (scheme === 'hmac') {
    if (open) say('keys', 'hmac takes secrets, and no public keys: give them under secrets')
    else if (!given) say('', 'the key "secrets" is missing: add secrets: [{ env: NAME }]')
    return
  }
  if (given) say('secrets', `${scheme} takes the sender's public keys, and no secrets: give them under keys`)
  else if (!open) say('', 'the key "keys" is missing: add keys: [{ env: NAME }]')
  if (form !== undefined) say('key-form', 'is for secrets, and public keys say their form themselves: leave it out')
}

function checkAlgorithm({ scheme, algorithm, 'ecdsa-form': form }: SpelledOutConfig, say: Say): void {
  if (form !== undefined && scheme !== 'ecdsa-p256') say('ecdsa-form', 'is for ecdsa-p256 alone: leave it out')
  if (scheme === 'hmac' || algorithm === 'sha256') return
  if (scheme !== 'rsa-pss') say('algorithm', `${scheme} has one hash: leave algorithm out`)
  else if (algorithm !== 'sha512') say('algorithm', 'rsa-pss has sha256 or sha512: use one of them')
}

function checkPlaces(config: SpelledOutConfig, say: Say): void {
  const { header, field: inBody, list: entries, prefix, timestamp: at } = config
  if (header === undefined && !inBody)
    say('', 'the key "header" is missing: add "header": The header that holds the signature.')
  if (header !== undefined && inBody) say('field', 'header and field exclude each other: leave one out')
  if (entries && prefix !== '') say('prefix', 'in a list each entry has its tag: leave prefix out, or put it into tag')
  const tag = entries?.['timestamp-tag']
  if (tag !== undefined && !at)
    say('list', 'timestamp-tag is there, and nothing says its unit: add timestamp: { unit }')
  if (!at) return
  const places = [at.header, at.json, tag].filter(place => place !== undefined)
  if (places.length === 0)
    say('timestamp', 'nothing says where it stands: add header or json, or timestamp-tag to list')
  if (places.length > 1)
    say('timestamp', 'it can not stand in several places: leave one of header, json, timestamp-tag')
}

function checkPayload({ payload: written, signs, timestamp: at, id: signedId }: SpelledOutConfig, say: Say): void {
  const message = templateFault(written, signs === 'part')
  if (message !== undefined)
    say(
      'payload',
      message.replace(/: add \{body\}$/, ': add {body}, or "signs: part" where the sender leaves the rest unsigned'),
    )
  if (signs === 'part' && templateFault(written, false) === undefined)
    say('signs', 'payload binds the whole body: leave it out')
  if (at && !written.includes('{timestamp}'))
    say('payload', 'the timestamp is not part of what is signed, so anyone can renew it: add {timestamp}')
  if (!at && written.includes('{timestamp}'))
    say('payload', 'names {timestamp}, and nothing says where it stands: add timestamp: { header, unit }')
  if (signedId && !written.includes('{id}'))
    say('payload', 'the id is not part of what is signed: add {id}, or use event-id')
  if (!signedId && written.includes('{id}'))
    say('payload', 'names {id}, and nothing says where it stands: add id: { header }')
}
