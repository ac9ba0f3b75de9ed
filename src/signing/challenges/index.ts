import type { Challenge } from '../challenge.ts'
import { asana } from './asana.ts'
import { braintree } from './braintree.ts'
import { cloudevents } from './cloudevents.ts'
import { discord } from './discord.ts'
import { dropbox } from './dropbox.ts'
import { frontApplication } from './front-application.ts'
import { intercom, trello } from './head.ts'
import { meta } from './meta.ts'
import { msgraph } from './msgraph.ts'
import { notion } from './notion.ts'
import { nylas } from './nylas.ts'
import { okta } from './okta.ts'
import { slack } from './slack.ts'
import { twitch } from './twitch.ts'
import { websub } from './websub.ts'
import { zoom } from './zoom.ts'

/** Every challenge there is, by the name of its provider or standard. */
export const challenges: ReadonlyMap<string, Challenge> = new Map<string, Challenge>([
  ['asana', asana],
  ['braintree', braintree],
  ['cloudevents', cloudevents],
  ['discord', discord],
  ['dropbox', dropbox],
  ['front-application', frontApplication],
  ['intercom', intercom],
  ['meta', meta],
  ['msgraph', msgraph],
  ['notion', notion],
  ['nylas', nylas],
  ['okta', okta],
  ['slack', slack],
  ['trello', trello],
  ['twitch', twitch],
  ['websub', websub],
  ['zoom', zoom],
])
