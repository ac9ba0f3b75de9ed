import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { publishedVectors } from '../signing/published.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'
import { type PipelineVector, sendVector } from './vector-gate.ts'
import { sendHandshake } from './vector-handshake.ts'
import { isKnown, pipelineVectorOf, suite } from './vector-suite.ts'

const DATA = process.env.SALLYPORT_DATA ?? join(import.meta.dirname, '../../../shared/data')
const SUITE = join(DATA, 'vectors.json')

let upstream: TestUpstream
beforeAll(async () => {
  upstream = await startUpstream()
})
afterAll(() => upstream.close())

const judge = (vector: PipelineVector): Promise<void> =>
  vector.answer === undefined ? sendVector(vector, upstream) : sendHandshake(vector, vector.answer, upstream)

describe('published vectors, over a socket', () => {
  it.each(publishedVectors)('$provider: $name', judge)
})

/** Run where it lies beside the checkout. */
describe.skipIf(!existsSync(SUITE))('the suite of vectors, over a socket', () => {
  const { vectors } = suite.parse(existsSync(SUITE) ? JSON.parse(readFileSync(SUITE, 'utf8')) : { vectors: [] })

  it('holds vectors of services and schemes that the gate knows, and no others', () => {
    expect(vectors.filter(vector => !isKnown(vector)).map(({ provider }) => provider)).toEqual([])
  })

  it.each(vectors.filter(isKnown).map(pipelineVectorOf))('$provider: $name', judge)
})
