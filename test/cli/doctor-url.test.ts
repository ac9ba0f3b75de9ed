import { expect, it } from 'vitest'
import { doctor } from '../../src/cli/doctor.ts'
import { freePort } from '../support/ports.ts'
import { runVerb } from './run-verb.ts'

it.each([[[]], [['--json']]])('shows no user, no password and no token of the URL that it looks at: %j', async more => {
  const port = await freePort()
  for (const url of [
    `https://user:hunter2hunter@localhost:${port}/h?token=hunter3hunter`,
    `https://:hunter2hunter@localhost:${port}/h`,
    'https://user:hunter2/hunter@localhost/h',
  ]) {
    const { stdout, stderr } = await runVerb(doctor, [url, ...more])
    expect(stdout).toContain('https://***@localhost')
    expect(stdout + stderr).not.toMatch(/hunter/)
  }
})
