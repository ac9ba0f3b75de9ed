import type { Clock } from '../../core/clock.ts'
import type { ClientTls } from '../client.ts'
import { type AccountSettings, AcmeAccount } from './account.ts'
import type { Challenges } from './challenges.ts'
import type { ChallengeType } from './config.ts'
import { obtain } from './order.ts'
import { Session } from './session.ts'
import type { AcmeStore } from './store.ts'
import { Transport } from './transport.ts'

export interface IssuerSettings extends AccountSettings {
  /** The CA's URL. */
  readonly directory: string
  readonly tls: ClientTls
  readonly store: AcmeStore
  readonly challenges: Challenges
  readonly clock: Clock
}

/** One account with one CA, and the connections to it. */
export class AcmeIssuer {
  readonly #settings: IssuerSettings
  readonly #transport: Transport
  readonly #account: AcmeAccount

  constructor(settings: IssuerSettings) {
    const { tls, directory, store, clock } = settings
    this.#settings = settings
    this.#transport = new Transport(tls)
    this.#account = new AcmeAccount(new Session(this.#transport, directory, clock), store, settings)
  }

  /** A new key and a certificate of it for one name, PEM. @throws AcmeFault; the signal's reason where it was aborted */
  obtain(name: string, challenge: ChallengeType, ended: AbortSignal): Promise<string> {
    const { challenges, clock } = this.#settings
    const tools = { account: this.#account, challenge, challenges, clock }
    return this.#account.inTurn(() => obtain(name, tools, ended))
  }

  close(): void {
    this.#transport.close()
  }
}
