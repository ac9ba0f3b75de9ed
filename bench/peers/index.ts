import { caddy } from './caddy.ts'
import { haproxy } from './haproxy.ts'
import { nginxNjs } from './nginx-njs.ts'
import { express, httpProxy, nodePrototype } from './node-apps.ts'
import type { Peer } from './peer.ts'
import { sallyport } from './sallyport.ts'

/** In the order of the table; the first is the base of the ratios. */
export const PEERS: readonly Peer[] = [nginxNjs, sallyport, nodePrototype, haproxy, caddy, express, httpProxy]
