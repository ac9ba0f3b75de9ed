import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { frozenClock } from '../../src/core/clock.ts'
import type { DocumentSource } from '../../src/gateway/fetch-document.ts'
import { Gateway } from '../../src/gateway/gateway.ts'
import { createLog } from '../../src/observe/log.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { type LogLine, tempFolder } from './gate.ts'

/** A whole gate within the test's own process: real listeners and sockets, and a clock that stands. */
export interface FrozenGate {
  readonly lines: LogLine[]
  port(listener: string): number
  close(): Promise<void>
}

export async function startFrozenGate(
  yaml: string,
  env: Readonly<Record<string, string>>,
  nowMs: number,
  documents?: DocumentSource,
): Promise<FrozenGate> {
  const folder = tempFolder()
  const file = join(folder, 'gate.yaml')
  writeFileSync(file, yaml)
  const lines: LogLine[] = []
  const clock = frozenClock(nowMs)
  const log = createLog({ destination: { write: text => lines.push(JSON.parse(text) as LogLine) }, clock })
  const metrics = createMetrics({ version: '0.0.0', clock })
  const gateway = new Gateway({ file, env, clock, log, metrics, ...(documents && { documents }) })
  const close = async (): Promise<void> => {
    await gateway.drain(0)
    log.close()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await gateway.start()
  } catch (error) {
    await close()
    throw error
  }
  return {
    lines,
    port(listener) {
      const port = gateway.port(listener)
      if (port === undefined) throw new Error(`listener ${listener} does not listen`)
      return port
    },
    close,
  }
}
