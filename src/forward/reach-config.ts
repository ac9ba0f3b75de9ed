import { z } from 'zod'
import { parseAddress, parseNetwork } from '../core/address.ts'
import { late } from '../core/late-schema.ts'
import { type SecretRef, secretRef } from '../core/secret.ts'

/** A proxy on the way to the upstream. */
export interface ProxyConfig {
  /** `http:` (CONNECT) or `socks5:`. */
  readonly url: string
  readonly username?: string | undefined
  readonly password?: SecretRef | undefined
}

const NAME = /^(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/

export const localAddress = z
  .string()
  .refine(text => parseAddress(text) !== undefined, 'is no IP address: write one of this host, e.g. 192.0.2.7')

export const proxyConfig = late(() =>
  z
    .strictObject({
      url: z
        .string()
        .regex(
          /^(?:http|socks5):\/\/(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]):\d{1,5}\/?$/,
          'is no proxy: write http://proxy.example:3128 or socks5://proxy.example:1080',
        )
        .describe('http:// for a proxy that takes CONNECT, or socks5://; with its port.'),
      username: z
        .string()
        .regex(/^[^:\p{Cc}]{1,255}$/u, 'is no user name: write it without a colon')
        .optional()
        .describe('The user name with the proxy.'),
      password: secretRef.optional().describe('The password with the proxy.'),
    })
    .refine(
      ({ username, password }) => (username === undefined) === (password === undefined),
      'takes username and password together: name both, or none',
    ),
)

export const allowPrivate = z
  .array(
    z
      .string()
      .refine(
        text => parseNetwork(text) !== undefined || NAME.test(text),
        'is no name and no network: write e.g. crm.internal or 10.0.0.0/8, in lower case',
      ),
  )
  .min(1)
