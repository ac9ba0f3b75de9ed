import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const BIN = join(import.meta.dirname, '../../bin/sallyport.js')

/** What the demo promises: how each event was sent, what the gate answered, and whether the CRM saw it. */
const ROWS: readonly [how: string, status: string, code: string, seen: boolean][] = [
  ['as it should be', '200', '', true],
  ['as it should be', '200', '', true],
  ['as it should be', '200', '', true],
  ['as it should be', '200', '', true],
  ['wrong secret', '401', 'signature.mismatch', false],
  ['old timestamp', '401', 'signature.expired', false],
  ['changed body', '401', 'signature.mismatch', false],
  ['too large', '413', 'body-limit.exceeded', false],
  ['wrong type', '415', 'content-type.unsupported', false],
  ['foreign address', '403', 'source-ip.outside', false],
  ['sent again', '200', 'duplicate', false],
  ['suffix left out', '404', 'route.none', false],
]

describe('the demo', () => {
  it('shows real events going through and forged ones stopped, and leaves nothing behind', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-test-'))
    const child = spawn(process.execPath, [BIN, 'demo', '--once', '--port', '0'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: folder },
    })
    let out = ''
    child.stdout.on('data', chunk => {
      out += chunk
    })
    const code = await new Promise(resolve => child.once('exit', resolve))
    expect(code, out).toBe(0)
    const rows = out
      .split('\n')
      .slice(4)
      .filter(line => line.includes('  '))
    expect(rows.length).toBe(ROWS.length)
    for (const [i, [how, status, reason, seen]] of ROWS.entries()) {
      const row = rows[i] ?? ''
      expect(row).toMatch(new RegExp(` {2}${how} +${status} +${reason}`))
      expect(row.endsWith('nothing'), row).toBe(!seen)
    }
    expect(readdirSync(folder).filter(name => name.startsWith('sallyport-'))).toEqual([])
    rmSync(folder, { recursive: true })
  })
})
