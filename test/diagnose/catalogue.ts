import { between } from './between.ts'
import { bodies } from './bodies.ts'
import { clientCertificates } from './client-certs.ts'
import { clients } from './clients.ts'
import { combined } from './combined.ts'
import { connections } from './connections.ts'
import { doctorFronts } from './doctor-fronts.ts'
import { doctorIn } from './doctor-in.ts'
import { doctorNetwork } from './doctor-network.ts'
import { doctorOut } from './doctor-out.ts'
import { doctorReceivers } from './doctor-receivers.ts'
import type { Family } from './entry.ts'
import { files } from './files.ts'
import { jsonWebTokens } from './jwt.ts'
import { limits } from './limits.ts'
import { patterns } from './patterns.ts'
import { providers } from './providers.ts'
import { routes } from './routes.ts'
import { senders } from './senders.ts'
import { signatures } from './signature.ts'
import { state } from './state.ts'
import { staticFindings } from './static.ts'
import { tokens } from './tokens.ts'

export const families: readonly Family[] = [
  signatures,
  providers,
  tokens,
  jsonWebTokens,
  limits,
  routes,
  combined,
  connections,
  clientCertificates,
  doctorIn,
  doctorOut,
  staticFindings,
  files,
  senders,
  clients,
  bodies,
  between,
  doctorFronts,
  doctorReceivers,
  doctorNetwork,
  state,
  patterns,
]
