import { captures } from './captures.ts'
import type { Case } from './case.ts'
import { idle } from './idle.ts'
import { scale } from './scale.ts'
import { shared } from './shared.ts'
import { start } from './start.ts'
import { stream } from './stream.ts'
import { workers } from './workers.ts'

/** In the order in which they run, after the works. */
export const CASES: readonly Case[] = [captures, workers, shared, start, idle, stream, scale]
