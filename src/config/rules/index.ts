import { acmeDirectory, acmeNames, challengesAnswered, noRouteAmongChallenges, someCertificate } from './acme.ts'
import { challengesAnswerable } from './challenges.ts'
import { certificatesAskedFor, checksInOrder, oneCheckAnEntry, partsOnce } from './checks.ts'
import type { Rule } from './context.ts'
import {
  credentialsInTls,
  noSemicolon,
  oneValueEach,
  signedBodies,
  streamed,
  tlsToHttps,
  tokenEndpoint,
} from './forward.ts'
import {
  limitsThatFit,
  networksWithoutHostBits,
  noOpenAdmin,
  noPlainHttpAbroad,
  noProxyHeaderOnSecureSockets,
  oneAddressEach,
  someoneCarriesCertificates,
} from './listeners.ts'
import { networksAsPublished, noOpenNetworks } from './networks.ts'
import { limitsOfProviders } from './provider-limits.ts'
import { everyRouteReachable } from './reachable.ts'
import { alertUrls, capturesAskedFor, knownRoutes, telemetryTo } from './reports.ts'
import { filesExist, nothingExpired, secretsResolve, variableNames } from './resources.ts'
import { knownListener, noPatterns, noTwinRoutes, oneNameEach, onePathEach } from './routes.ts'
import { secretsOfOneRoute } from './shared-secrets.ts'

/** Every rule that no single value shows; each is run on every file. */
export const rules: readonly Rule[] = [
  noPlainHttpAbroad,
  noOpenAdmin,
  oneAddressEach,
  limitsThatFit,
  networksWithoutHostBits,
  noProxyHeaderOnSecureSockets,
  someoneCarriesCertificates,
  someCertificate,
  acmeNames,
  acmeDirectory,
  challengesAnswered,
  noRouteAmongChallenges,
  oneNameEach,
  knownListener,
  onePathEach,
  noPatterns,
  noTwinRoutes,
  oneCheckAnEntry,
  checksInOrder,
  partsOnce,
  certificatesAskedFor,
  challengesAnswerable,
  tlsToHttps,
  credentialsInTls,
  tokenEndpoint,
  oneValueEach,
  noSemicolon,
  signedBodies,
  streamed,
  alertUrls,
  knownRoutes,
  capturesAskedFor,
  telemetryTo,
  secretsResolve,
  variableNames,
  nothingExpired,
  filesExist,
  noOpenNetworks,
  networksAsPublished,
  limitsOfProviders,
  secretsOfOneRoute,
  everyRouteReachable,
]
