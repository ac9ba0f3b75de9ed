import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig } from 'rolldown'

/** What the console serves as it stands lies beside the bundle as it lies in src (src/console/page-files.ts). */
const page = {
  name: 'console-page',
  writeBundle({ dir = '' }) {
    const to = join(dir, '../console/page')
    rmSync(to, { recursive: true, force: true })
    cpSync('src/console/page', to, { recursive: true, filter: file => !file.endsWith('tsconfig.json') })
  },
}

/** One file to read at a start instead of some four hundred; what only some gates need stays in files of its own. */
export default defineConfig({
  input: { main: 'src/cli/main.ts', worker: 'src/gateway/workers/thread.ts' },
  platform: 'node',
  plugins: [page],
  // Loaded where they are first used (test/architecture.test.ts), so from node_modules.
  external: ['yaml', 'ajv', 'ajv-formats', 'jose', 'node-forge', '@peculiar/x509', 'prom-client', 'undici'],
  output: { dir: 'dist/cli', cleanDir: true },
})
