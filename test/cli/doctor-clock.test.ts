import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { expect, it, vi } from 'vitest'
import { ask, isAnswer } from '../../src/cli/doctor/ask.ts'
import { clockFindings } from '../../src/cli/doctor/clock-skew.ts'

const NOON = Date.parse('2027-03-01T12:00:00Z')

/** What is said of a clock where the answer took 20 s and bears a Date of this many seconds after the question. */
async function judged(seconds: number): Promise<string> {
  const server = createServer(
    (_req, res) => void res.setHeader('date', new Date(NOON + seconds * 1000).toUTCString()).end(),
  ).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(socket, 'connect')
  const now = vi
    .spyOn(Date, 'now')
    .mockReturnValueOnce(NOON)
    .mockReturnValue(NOON + 20_000)
  const answer = await ask(socket, { method: 'OPTIONS', path: '/', host: 'a', headers: [] }, 5_000)
  now.mockRestore()
  server.close()
  if (!isAnswer(answer)) throw new Error(answer.message)
  return clockFindings(answer, 'the upstream')
    .map(({ level, cause, because }) => `${level} ${cause}: ${because}`)
    .join()
}

it('takes no time that an upstream needs to answer for a difference of clocks', async () => {
  for (const seconds of [0, 10, 20]) expect(await judged(seconds)).toMatch(/^ok clock\.same/)
  expect(await judged(-30)).toMatch(/^warn clock\.skew: this host's clock is 30 s ahead of/)
  expect(await judged(60)).toMatch(/^warn clock\.skew: this host's clock is 40 s behind/)
})
