import { describe, expect, it } from 'vitest'
import { secret } from '../../src/cli/secret.ts'
import { Secret } from '../../src/core/secret.ts'
import { signerKey } from '../../src/signing/provider.ts'
import { keyed } from '../support/signed.ts'
import { runVerb } from './run-verb.ts'

describe('secret new', () => {
  it('prints a secret alone, without a line end that would become part of it', async () => {
    const { code, stdout, stderr } = await runVerb(secret, ['new'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(stderr).toMatch(/^gate: put it into .*\{ env: HOOK_SECRET \}.*\n$/)
    expect((await runVerb(secret, ['new'])).stdout).not.toBe(stdout)
  })

  it.each(keyed)('makes one that $id takes, and says where it goes', async provider => {
    const { id, name, secret: form = provider.publicKey } = provider
    const { code, stdout, stderr } = await runVerb(secret, ['new', '--provider', id])
    expect(code).toBe(0)
    expect(signerKey(provider, new Secret(Buffer.from(stdout))).length).toBeGreaterThanOrEqual(20)
    expect(stdout).not.toMatch(/\s/)
    expect(stderr).toContain(
      `${name}: ${form?.madeBy === 'operator' ? 'give it the same value' : 'the sender makes its own'}`,
    )
    expect(stderr).toContain(form?.where)
    expect(stderr).not.toContain(stdout)
  })

  it('makes none for a service that signs with a key of its own', async () => {
    const { code, stdout, stderr } = await runVerb(secret, ['new', '--provider', 'paypal'])
    expect({ code: code === 0, stdout }).toEqual({ code: false, stdout: '' })
    expect(stderr).toContain('PayPal has no secret, and no key of yours')
  })

  it('calls anything else wrong usage', async () => {
    expect(await runVerb(secret, [])).toMatchObject({ code: 2, stdout: '' })
    expect(await runVerb(secret, ['old'])).toMatchObject({ code: 2, stdout: '' })
    const misspelt = await runVerb(secret, ['new', '--provider', 'githb'])
    expect(misspelt).toMatchObject({ code: 2, stdout: '' })
    expect(misspelt.stderr).toMatch(/there is no provider "githb"\nmend: did you mean "github"\? one of [a-z0-9-]+, /)
  })
})
