import { availableParallelism } from 'node:os'
import type { GatewayConfig } from '../../config/model.ts'

/** How many workers take requests; `auto`: one for each core that the system gives the process. */
export function countOf({ workers }: Pick<GatewayConfig, 'workers'>): number {
  return workers === 'auto' ? availableParallelism() : workers
}
