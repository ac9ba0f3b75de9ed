import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Each has a part of the ports (test/support/ports.ts). */
const MOST_WORKERS = 7

/** What takes longest, in this order: begun last, one of these would keep a single worker busy when all others are done. */
const FIRST = [
  'diagnose/score',
  'e2e/console',
  'e2e/contract',
  'e2e/acme',
  'e2e/telemetry',
  'e2e/doctor-out',
  'docs/new-check',
  'e2e/doctor-events',
].map(name => `/test/${name}.test.ts`)

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = FIRST.findIndex(name => moduleId.endsWith(name))
      return at < 0 ? FIRST.length : at
    }
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b))
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    // The end-to-end tests start real servers; forks keep one file's crash from another's.
    pool: 'forks',
    // One more than there are cores: much of what they do is to wait for others. Each has ports of its own (test/support/ports.ts).
    maxWorkers: Math.min(availableParallelism() + 1, MOST_WORKERS),
    sequence: { sequencer: LongestFirst },
    globals: false,
  },
})
