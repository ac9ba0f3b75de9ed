import type { Explaining } from '../../core/captured.ts'
import type { Finding } from '../../core/finding.ts'
import type { Resources } from '../../core/resources.ts'
import { type ApiKeyConfig, apiKey } from '../api-key.ts'
import { explainToken } from './tokens.ts'

export function explainApiKey(
  config: ApiKeyConfig,
  asked: Explaining<ApiKeyConfig>,
  resources: Resources,
): Promise<readonly Finding[]> {
  const kind = {
    name: 'api-key',
    word: 'key',
    create: apiKey.create,
    headerOf: ({ header }: ApiKeyConfig) => header.toLowerCase(),
    queryOf: ({ query }: ApiKeyConfig) => query,
    tokensOf: ({ keys }: ApiKeyConfig) => keys,
  }
  return explainToken(kind, config, asked, resources)
}
