import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkKinds } from '../../src/checks/index.ts'
import { configSchema } from '../../src/config/schema.ts'
import { providers, unsignedServices } from '../../src/signing/index.ts'
import { checksPage } from './checks.ts'
import { cliPage } from './cli.ts'
import { codesPage } from './codes.ts'
import { configPage } from './config.ts'
import { providerPage, providersPage, spelledOutPage } from './providers.ts'

const ROOT = join(import.meta.dirname, '../..')

/** Every page of docs/reference/, by its path from there. */
export async function referencePages(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['checks.md', checksPage()],
    ['codes.md', codesPage()],
    ['config.md', configPage(readFileSync(join(ROOT, 'config/minimal.yaml'), 'utf8'))],
    ['cli.md', await cliPage()],
    ['sallyport.schema.json', `${JSON.stringify(configSchema(checkKinds), null, 2)}\n`],
    ['providers/README.md', providersPage()],
    ['providers/spelled-out.md', spelledOutPage()],
    ...[...providers, ...unsignedServices].map((provider): [string, string] => [
      `providers/${provider.id}.md`,
      providerPage(provider),
    ]),
  ])
}
