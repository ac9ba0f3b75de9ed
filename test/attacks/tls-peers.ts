import { openssl, type Ran } from '../tls/craft.ts'

export interface Said extends Ran {
  /** Statuses of every answer, in order. */
  readonly statuses: readonly number[]
  /** Codes of every refusal, in order. */
  readonly codes: readonly string[]
  readonly reused: boolean
}

const BODY = '{"a":1}'

export const requestText = (path: string, host: string, more = ''): string =>
  `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n${more}Content-Length: ${BODY.length}\r\n\r\n${BODY}`

/** `openssl s_client` with one request, which ends the connection. */
export async function sClient(port: number, args: readonly string[], path: string, host: string): Promise<Said> {
  const input = requestText(path, host, 'Connection: close\r\n')
  return said(await openssl(['s_client', '-connect', `127.0.0.1:${port}`, '-ign_eof', ...args], input))
}

export function said(ran: Ran): Said {
  return {
    ...ran,
    statuses: [...ran.stdout.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(match => Number(match[1])),
    codes: [...ran.stdout.matchAll(/"code":"([^"]+)"/g)].map(match => match[1] ?? ''),
    reused: /^Reused,/m.test(ran.stdout),
  }
}
