import { bridge, startService } from './contract-bridge.ts'
import { variants, variantsOf } from './contract-configs.ts'
import { inbound } from './contract-inbound.ts'
import { mtls } from './contract-mtls.ts'
import { senders, startSendersUpstream } from './contract-senders.ts'
import { strict } from './contract-strict.ts'
import { startWhyService, why } from './contract-why.ts'

// In one file, so that the originals, which share ports, run one after the other.
for (const variant of await variants('inbound.yaml', [8443, 9901], 3000)) inbound(variant)
for (const variant of await variants('mtls.yaml', [8443], 3000)) mtls(variant)
for (const variant of await variants('strict.yaml', [8080], 9090)) strict(variant)
for (const variant of await variantsOf('bridge.yaml', [8080], 9443, startService)) bridge(variant)
for (const variant of await variantsOf('senders.yaml', [8443], 3000, startSendersUpstream)) senders(variant)
for (const variant of await variantsOf('why.yaml', [8443, 9901], 3000, startWhyService)) why(variant)
