import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const twitch: Provider = {
  id: 'twitch',
  name: 'Twitch EventSub',
  page: 'https://dev.twitch.tv/docs/eventsub/handling-webhook-events/#verifying-the-event-message',
  summary:
    'HMAC-SHA256 over message id, timestamp and raw body without separators, hexadecimal, in Twitch-Eventsub-Message-Signature.',
  scheme: hmacScheme({
    algorithm: 'sha256',
    header: 'Twitch-Eventsub-Message-Signature',
    encoding: 'hex',
    prefix: 'sha256=',
    timestamp: { header: 'Twitch-Eventsub-Message-Timestamp', unit: 'iso' },
    id: { header: 'Twitch-Eventsub-Message-Id' },
    payload: '{id}{timestamp}{body}',
  }),
  secret: textSecret(
    '10 to 100 characters that you chose',
    'You give it as transport.secret when you subscribe.',
    'operator',
  ),
  eventId: { header: 'Twitch-Eventsub-Message-Id', signed: true },
  passHeaders: ['Twitch-Eventsub-Message-Type'],
  traps: [
    'A new subscription sends a challenge, which is signed, and must be answered with its text: challenge does it.',
    'Twitch calls port 443 only.',
  ],
  response: '2xx within a few seconds; too many failures end the subscription.',
}
