import { freePort as freePortOf } from '../../bench/processes.ts'

/** More than there are workers of vitest at a time. */
const PARTS = 8

/** A free port of the loopback, which no other worker of vitest is given: the files of two run beside each other. */
export const freePort = (): Promise<number> => freePortOf(Number(process.env.VITEST_POOL_ID ?? 0), PARTS)
