import { randomBytes } from 'node:crypto'
import type { AdminConfig, GatewayConfig } from '../config/model.ts'
import { systemClock } from '../core/clock.ts'
import { Offline } from '../core/resources.ts'
import { Secret, type SecretRef } from '../core/secret.ts'
import type { Attachment, Gateway } from '../gateway/gateway.ts'
import type { Loading } from '../gateway/loading.ts'
import { History } from '../observe/history.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { createAdmin, type Readiness } from './admin.ts'
import { createVisits } from './admin-guard.ts'
import { type AdminServer, createAdminServer } from './admin-server.ts'
import { reportSecrets } from './secret-status.ts'

interface AdminListenerOptions {
  readonly log: Log
  readonly metrics: Metrics
  /** The gate that it tells of; asked at each request. */
  gateway(): Gateway
}

/** The admin listener as part of a config: opened, kept or closed with it. */
export class AdminListener implements Attachment {
  readonly #options: AdminListenerOptions
  #server: AdminServer | undefined
  #config: AdminConfig | undefined
  #handler: ReturnType<typeof createAdmin> | undefined
  /** The token in force. */
  #secret: Secret | undefined
  #started = false
  readonly #startedAt = systemClock.now()
  readonly #visits = createVisits(systemClock)
  readonly #history: History

  constructor(options: AdminListenerOptions) {
    this.#options = options
    const { metrics } = options
    this.#history = new History(() => [['', metrics.unmatched], ...metrics.routes()], this.#startedAt)
  }

  async prepare(config: GatewayConfig, loading: Loading): Promise<{ commit(): void; abort(): Promise<void> }> {
    const { admin } = config
    const { log, metrics } = this.#options
    const token = admin?.token && this.#token(admin.token, loading)
    const handler =
      admin &&
      createAdmin({
        host: 'unix' in admin.bind ? undefined : admin.bind.host,
        names: admin.names,
        token,
        inForce: () =>
          token === undefined ? this.#secret === undefined : this.#secret?.bytes().equals(token.bytes()) === true,
        metrics,
        log,
        readiness: () => this.#readiness(),
        views: { history: this.#history, metrics, startedAt: this.#startedAt },
        visits: this.#visits,
        gateway: () => this.#options.gateway(),
        secrets: () => reportSecrets(this.#options.gateway().credentials(), metrics, systemClock.now()),
      })
    let opened: AdminServer | undefined
    if (admin && JSON.stringify(admin.bind) !== JSON.stringify(this.#config?.bind)) {
      opened = await createAdminServer(admin.bind, (request, response) => this.#handler?.(request, response))
      log.info('listening', { listener: 'admin', address: opened.address, port: opened.port, tls: false })
    }
    return {
      commit: () => {
        const left = opened || admin === undefined ? this.#server : undefined
        if (left) void left.close()
        this.#server = opened ?? (admin ? this.#server : undefined)
        this.#config = admin
        this.#handler = handler
        this.#secret = token
        this.#started = true
        if (admin) this.#history.start(() => systemClock.now())
        else this.#history.stop()
      },
      abort: async () => opened?.close(),
    }
  }

  async close(): Promise<void> {
    this.#history.stop()
    await this.#server?.close()
  }

  /** A missing token closes what needs it, and takes nothing else with it: nobody knows the one in its place. */
  #token(ref: SecretRef, loading: Loading): Secret {
    try {
      return loading.secret(ref)
    } catch (error) {
      if (!(error instanceof Offline)) throw error
      this.#options.log.error('admin token missing', { reason: error.message, remedy: error.mend })
      return new Secret(randomBytes(32))
    }
  }

  #readiness(): Readiness {
    const gateway = this.#options.gateway()
    const status = gateway.draining ? 'draining' : this.#started ? 'ready' : 'starting'
    return { ready: status === 'ready', status, offline: gateway.offline() }
  }
}
