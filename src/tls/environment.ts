import { TlsProblem } from './problem.ts'

/** @throws TlsProblem where the environment turns off every check of upstreams' certificates in this process */
export function refuseUnverifiedTls(env: Readonly<Record<string, string | undefined>>): void {
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
    throw new TlsProblem(
      "NODE_TLS_REJECT_UNAUTHORIZED=0 turns off the check of every upstream's certificate",
      "unset it, and name the upstream's CA in the route: forward: { tls: { ca: FILE } }",
    )
  }
}
