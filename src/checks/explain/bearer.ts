import type { Explaining } from '../../core/captured.ts'
import type { Finding } from '../../core/finding.ts'
import type { Resources } from '../../core/resources.ts'
import { type BearerConfig, bearer } from '../bearer.ts'
import { explainToken } from './tokens.ts'

export function explainBearer(
  config: BearerConfig,
  asked: Explaining<BearerConfig>,
  resources: Resources,
): Promise<readonly Finding[]> {
  const kind = {
    name: 'bearer',
    word: 'token',
    create: bearer.create,
    headerOf: () => 'authorization',
    tokensOf: ({ tokens }: BearerConfig) => tokens,
  }
  return explainToken(kind, config, asked, resources)
}
