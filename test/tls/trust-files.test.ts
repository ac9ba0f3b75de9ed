import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { loadTrustFiles } from '../../src/tls/trust-files.ts'
import { craft } from './craft.ts'

it('a folder of CRLs that can not be listed costs the certificates of its CAs, and nothing else', async () => {
  const ca = await craft({ subject: 'CN=One', ca: true })
  const trust = loadTrustFiles(
    { 'client-ca': 'ca.crt', 'client-crl': ['crls'] },
    path => (path === 'ca.crt' ? Buffer.from(ca.certificate) : readFileSync(path)),
    () => {
      throw Object.assign(new Error("EACCES: permission denied, scandir 'crls'"), { code: 'EACCES' })
    },
    Date.now(),
  )
  expect(trust.anchors).toHaveLength(1)
  expect(trust.crls).toEqual([])
  expect(trust.problems.join()).toMatch(/crls can not be read.*EACCES.*every client certificate is refused/)
})
