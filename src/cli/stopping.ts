/** How often the parent is looked for, milliseconds. */
const LOOK_MS = 250

/**
 * Resolves when the program is asked to stop: SIGTERM, SIGINT, or the end of the npm or launcher process that started
 * it. Those end on SIGTERM without a word to what runs under them, and a gate left behind would keep its port.
 */
export function stopRequested(env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise(resolve => {
    process.once('SIGTERM', () => resolve())
    process.once('SIGINT', () => resolve())
    if (env.npm_command === undefined && env.SALLYPORT_LAUNCHED === undefined) return
    const parent = process.ppid
    setInterval(() => {
      if (process.ppid !== parent) resolve()
    }, LOOK_MS).unref()
  })
}
