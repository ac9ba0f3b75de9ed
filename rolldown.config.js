import { defineConfig } from 'rolldown'

/** One file to read at a start instead of some four hundred; what only some gates need stays in files of its own. */
export default defineConfig({
  input: { main: 'src/cli/main.ts' },
  platform: 'node',
  // Loaded where they are first used (test/architecture.test.ts), so from node_modules.
  external: ['ajv', 'ajv-formats', 'jose', 'node-forge', '@peculiar/x509', 'prom-client', 'undici', 'pino'],
  output: { dir: 'dist/cli', cleanDir: true },
})
