import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    // The end-to-end tests start real servers; forks keep one file's crash from another's.
    pool: 'forks',
    globals: false,
  },
})
