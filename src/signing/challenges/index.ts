import type { Challenge } from '../challenge.ts'
import { asana } from './asana.ts'
import { braintree } from './braintree.ts'
import { cloudevents } from './cloudevents.ts'
import { dropbox } from './dropbox.ts'
import { meta } from './meta.ts'
import { msgraph } from './msgraph.ts'
import { notion } from './notion.ts'
import { nylas } from './nylas.ts'
import { okta } from './okta.ts'
import { slack } from './slack.ts'
import { websub } from './websub.ts'
import { zoom } from './zoom.ts'

/** Every challenge there is, by the name of its provider or standard. */
export const challenges: ReadonlyMap<string, Challenge> = new Map<string, Challenge>([
  ['asana', asana],
  ['braintree', braintree],
  ['cloudevents', cloudevents],
  ['dropbox', dropbox],
  ['meta', meta],
  ['msgraph', msgraph],
  ['notion', notion],
  ['nylas', nylas],
  ['okta', okta],
  ['slack', slack],
  ['websub', websub],
  ['zoom', zoom],
])
