import type { Provider, UnsignedService } from './provider.ts'
import { adyen } from './providers/adyen.ts'
import { adyenPlatform } from './providers/adyen-platform.ts'
import { airtable } from './providers/airtable.ts'
import { asana } from './providers/asana.ts'
import { awsSns } from './providers/aws-sns.ts'
import { bigcommerce } from './providers/bigcommerce.ts'
import { bitbucket } from './providers/bitbucket.ts'
import { braintree } from './providers/braintree.ts'
import { circleci } from './providers/circleci.ts'
import { clickup } from './providers/clickup.ts'
import { cloudevents } from './providers/cloudevents.ts'
import { coinbaseCommerce } from './providers/coinbase-commerce.ts'
import { crisp } from './providers/crisp.ts'
import { customerio } from './providers/customerio.ts'
import { discord } from './providers/discord.ts'
import { discourse } from './providers/discourse.ts'
import { docusign } from './providers/docusign.ts'
import { dropbox } from './providers/dropbox.ts'
import { frontApplication } from './providers/front-application.ts'
import { frontRule } from './providers/front-rule.ts'
import { gitbook } from './providers/gitbook.ts'
import { github } from './providers/github.ts'
import { gitlab } from './providers/gitlab.ts'
import { gocardless } from './providers/gocardless.ts'
import { helpscout } from './providers/helpscout.ts'
import { heroku } from './providers/heroku.ts'
import { hubspotV1 } from './providers/hubspot-v1.ts'
import { hubspotV2 } from './providers/hubspot-v2.ts'
import { hubspotV3 } from './providers/hubspot-v3.ts'
import { intercom } from './providers/intercom.ts'
import { jira } from './providers/jira.ts'
import { kustomer } from './providers/kustomer.ts'
import { lemonsqueezy } from './providers/lemonsqueezy.ts'
import { line } from './providers/line.ts'
import { linear } from './providers/linear.ts'
import { linkedin } from './providers/linkedin.ts'
import { mailgun } from './providers/mailgun.ts'
import { mandrill } from './providers/mandrill.ts'
import { messagebird } from './providers/messagebird.ts'
import { meta } from './providers/meta.ts'
import { msgraph } from './providers/msgraph.ts'
import { netlify } from './providers/netlify.ts'
import { notion } from './providers/notion.ts'
import { nylas } from './providers/nylas.ts'
import { okta } from './providers/okta.ts'
import { paddle } from './providers/paddle.ts'
import { pagerduty } from './providers/pagerduty.ts'
import { paypal } from './providers/paypal.ts'
import { paystack } from './providers/paystack.ts'
import { pipedrive } from './providers/pipedrive.ts'
import { plaid } from './providers/plaid.ts'
import { quickbooks } from './providers/quickbooks.ts'
import { razorpay } from './providers/razorpay.ts'
import { resend } from './providers/resend.ts'
import { salesforceOutbound } from './providers/salesforce-outbound.ts'
import { sendgrid } from './providers/sendgrid.ts'
import { sentry } from './providers/sentry.ts'
import { shopify } from './providers/shopify.ts'
import { sinchConversation } from './providers/sinch-conversation.ts'
import { sinchNumbers } from './providers/sinch-numbers.ts'
import { sinchVoice } from './providers/sinch-voice.ts'
import { slack } from './providers/slack.ts'
import { square } from './providers/square.ts'
import { standardWebhooks } from './providers/standard-webhooks.ts'
import { stripe } from './providers/stripe.ts'
import { svix } from './providers/svix.ts'
import { teamsOutgoing } from './providers/teams-outgoing.ts'
import { telegram } from './providers/telegram.ts'
import { telnyx } from './providers/telnyx.ts'
import { terraform } from './providers/terraform.ts'
import { trello } from './providers/trello.ts'
import { twilio } from './providers/twilio.ts'
import { twitch } from './providers/twitch.ts'
import { typeform } from './providers/typeform.ts'
import { viber } from './providers/viber.ts'
import { vonage } from './providers/vonage.ts'
import { webflow } from './providers/webflow.ts'
import { websub } from './providers/websub.ts'
import { woocommerce } from './providers/woocommerce.ts'
import { workos } from './providers/workos.ts'
import { xTwitter } from './providers/x-twitter.ts'
import { xero } from './providers/xero.ts'
import { zendesk } from './providers/zendesk.ts'
import { zoom } from './providers/zoom.ts'

/** Every provider there is, by name. */
export const providers: readonly Provider[] = [
  adyen,
  adyenPlatform,
  airtable,
  asana,
  awsSns,
  bigcommerce,
  bitbucket,
  braintree,
  circleci,
  clickup,
  coinbaseCommerce,
  crisp,
  customerio,
  discord,
  discourse,
  docusign,
  dropbox,
  frontApplication,
  frontRule,
  gitbook,
  github,
  gitlab,
  gocardless,
  helpscout,
  heroku,
  hubspotV1,
  hubspotV2,
  hubspotV3,
  intercom,
  jira,
  kustomer,
  lemonsqueezy,
  line,
  linear,
  linkedin,
  mandrill,
  mailgun,
  messagebird,
  meta,
  msgraph,
  netlify,
  notion,
  nylas,
  paddle,
  pagerduty,
  paypal,
  paystack,
  plaid,
  quickbooks,
  razorpay,
  resend,
  sendgrid,
  sentry,
  shopify,
  sinchConversation,
  sinchNumbers,
  sinchVoice,
  slack,
  square,
  standardWebhooks,
  stripe,
  svix,
  teamsOutgoing,
  telegram,
  telnyx,
  terraform,
  trello,
  twilio,
  twitch,
  typeform,
  viber,
  vonage,
  webflow,
  websub,
  woocommerce,
  workos,
  xTwitter,
  xero,
  zendesk,
  zoom,
]

/** The services that offer nothing to verify, by name. */
export const unsignedServices: readonly UnsignedService[] = [cloudevents, okta, pipedrive, salesforceOutbound]

const byId = new Map(providers.map(provider => [provider.id, provider]))
const unsignedById = new Map(unsignedServices.map(service => [service.id, service]))

export function providerOf(id: string): Provider | undefined {
  return byId.get(id)
}

export function unsignedOf(id: string): UnsignedService | undefined {
  return unsignedById.get(id)
}

/** The ids of providers whose networks are shipped, in alphabetical order. */
export function providersWithNetworks(): readonly string[] {
  return providers.filter(provider => provider.networks !== undefined).map(provider => provider.id)
}
