import '../core/interpret-schemas.ts'

import { statSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { AdminListener } from '../console/admin-listener.ts'
import { systemClock } from '../core/clock.ts'
import { ConfigRefused } from '../gateway/config-refused.ts'
import { Gateway } from '../gateway/gateway.ts'
import { createLog, type Log } from '../observe/log.ts'
import { createMetrics } from '../observe/metrics.ts'
import { refuseUnverifiedTls } from '../tls/environment.ts'
import { stopRequested } from './stopping.ts'
import { type Verb, wrongUsage } from './verb.ts'
import { version } from './version.ts'

/** Bytes: some five hundred routes. */
const LARGE_CONFIG = 128 * 1024
/** Milliseconds that requests under way have to end after SIGTERM or SIGQUIT. */
const GRACE_MS = 30_000

/** Without a handler SIGUSR2 would end the process. nginx upgrades its program by it, and the master of HAProxy loads its config anew. */
const INSTEAD =
  'Send SIGHUP to load the config anew; for another version of the program, stop it by SIGTERM and start that.'

export const run: Verb = {
  name: 'run',
  summary: 'Runs the gate.',
  usage: '--config FILE [--json|--pretty] [--log-level LEVEL]',
  examples: ['sallyport run --config gate.yaml', 'sallyport run --config /etc/sallyport/gate.yaml --json'],
  options: {
    config: { type: 'string', short: 'c', description: 'The config file.' },
    json: { type: 'boolean', description: 'Log JSON lines; the default where stdout is no terminal.' },
    pretty: { type: 'boolean', description: 'Log lines for people; the default on a terminal.' },
    'log-level': { type: 'string', description: 'info, warn or error. Default info.' },
  },
  apart: [['json', 'pretty']],
  async run({ values, positionals }, io) {
    const file = typeof values.config === 'string' ? values.config : positionals[0]
    const level = values['log-level'] ?? 'info'
    if (file === undefined || positionals.length > (values.config === undefined ? 1 : 0)) {
      return wrongUsage(io, run, file === undefined ? 'no config file is named' : 'more than one config file is named')
    }
    if (level !== 'info' && level !== 'warn' && level !== 'error') {
      return wrongUsage(io, run, '--log-level takes info, warn or error')
    }
    try {
      refuseUnverifiedTls(io.env)
    } catch (error) {
      io.stderr.write(`sallyport run: ${describe(error)}\n`)
      return 1
    }
    const pretty = values.json === true ? false : values.pretty === true ? true : undefined
    const log = createLog({ level, ...(pretty === undefined ? {} : { pretty }) })
    const metrics = createMetrics({ version: version() })
    metrics.watchLog(() => log.dropped())
    const admin: AdminListener = new AdminListener({ log, metrics, gateway: () => gateway })
    const path = isAbsolute(file) ? file : join(io.cwd, file)
    // Code that goes over thousands of routes is worth optimising.
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > LARGE_CONFIG) io.started?.()
    const gateway = new Gateway({
      file: path,
      env: io.env,
      clock: systemClock,
      log,
      metrics,
      attachment: admin,
    })
    let stopping = false
    const stop = stopRequested(io.env, () => hurry(gateway, log)).then(() => {
      stopping = true
    })
    process.on('SIGHUP', () => void gateway.reload())
    process.on('SIGUSR1', nothing)
    process.on('SIGUSR2', () => log.warn('signal not taken', { signal: 'SIGUSR2', remedy: INSTEAD }))
    try {
      await Promise.race([gateway.start(), stop])
    } catch (error) {
      log.flush()
      io.stderr.write(error instanceof ConfigRefused ? error.message : `sallyport run: ${describe(error)}\n`)
      await gateway.drain(0)
      await admin.close()
      log.close()
      return 1
    }
    if (!stopping) io.started?.()
    await stop
    log.info('draining', { 'grace-ms': GRACE_MS })
    await gateway.drain(GRACE_MS)
    await admin.close()
    log.info('stopped')
    log.close()
    return 0
  },
}

/** Node would open its debugger, through which anybody on this host could read every secret, and no file of the log needs reopening. */
function nothing(): void {}

/** Ends a drain early. */
function hurry(gateway: Gateway, log: Log): void {
  if (!gateway.draining) return
  log.warn('drain cut short', { signal: 'SIGINT' })
  void gateway.hurry()
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code, path } = error as NodeJS.ErrnoException
  if (code === 'EACCES' && path !== undefined) return `${error.message}\nmend: let the gate's user read ${path}`
  return 'mend' in error && typeof error.mend === 'string' ? `${error.message}\nmend: ${error.mend}` : error.message
}
