import type { UnsignedService } from '../provider.ts'

export const salesforceOutbound: UnsignedService = {
  id: 'salesforce-outbound',
  name: 'Salesforce outbound messages',
  page: 'https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_om_outboundmessaging_security.htm',
  summary:
    'Nothing is signed: Salesforce shows a client certificate, where the listener asks for one, and sends from its own networks.',
  instead: {
    check: 'client-cert',
    // Zeros stand for the SHA-256 of the certificate that Salesforce lets you download.
    checks: [`client-cert: { allow: [{ sha256: "${'0'.repeat(64)}" }] }`],
  },
  traps: [
    'In place of the zeros stands the SHA-256 of the client certificate that Setup, Outbound Messages lets you download.',
    "Its networks send every customer's messages: compare the OrganizationId in the message with yours.",
    'The SessionId in the message is a credential that works: keep it out of logs.',
    'It takes a SOAP acknowledgement for an answer, so the upstream must write one and the gate passes it back.',
  ],
  accept: ['text/xml'],
}
