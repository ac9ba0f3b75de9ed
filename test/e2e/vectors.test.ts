import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { publishedVectors } from '../signing/published.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'
import { gateOf, type PipelineVector, sendVector } from './vector-gate.ts'
import { isCovered, pipelineVectorOf, suite } from './vector-suite.ts'

const SUITE = join(import.meta.dirname, '../../../shared/data/vectors.json')
/** Of the suite's providers: of Braintree it has a handshake alone. Who adds one takes it out of this list. */
const NOT_COVERED = ['braintree']

let upstream: TestUpstream
beforeAll(async () => {
  upstream = await startUpstream()
})
afterAll(() => upstream.close())

/** The config takes no credentials in a URL, so that what the room of `signing` verifies has no way in here. */
const withCredentials = ({ url = 'https://none' }: PipelineVector): boolean => new URL(url).username !== ''

async function judge(vector: PipelineVector): Promise<void> {
  if (withCredentials(vector))
    await expect(gateOf(vector, upstream.url)).rejects.toThrow(/public-url: \S+ holds credentials/)
  else await sendVector(vector, upstream)
}

describe('published vectors, over a socket', () => {
  it.each(publishedVectors)('$provider: $name', judge)
})

/** Run where it lies beside the checkout. */
describe.skipIf(!existsSync(SUITE))('the suite of vectors, over a socket', () => {
  const { vectors } = suite.parse(existsSync(SUITE) ? JSON.parse(readFileSync(SUITE, 'utf8')) : { vectors: [] })
  const covered = vectors.filter(isCovered)

  it.each(covered.map(pipelineVectorOf))('$provider: $name', judge)

  it(`cover every provider of it but ${NOT_COVERED.join(', ')}`, () => {
    const others = vectors.filter(vector => !covered.includes(vector)).map(({ provider }) => provider)
    expect([...new Set(others)].sort()).toEqual(NOT_COVERED)
  })
})
