/** How often the parent is looked for, milliseconds. */
const LOOK_MS = 250
/** Milliseconds in which a signal that comes again is the same: a terminal sends it to a launcher too, which passes it on. */
const SAME_MS = 1_000

/**
 * Resolves when the program is asked to stop: SIGTERM, SIGINT, SIGQUIT (by which nginx drains, and images made for it stop), or
 * the end of the npm or launcher process that started it. Those end on SIGTERM without a word to what runs under them, and a
 * gate left behind would keep its port. From the call on none of the three signals ends the process by itself.
 * @param pressed is called at each SIGINT that comes later: somebody at a terminal waits no longer. A SIGTERM or SIGQUIT that
 *   comes again asks for nothing new; whoever supervises a program may repeat it.
 */
export function stopRequested(env: NodeJS.ProcessEnv, pressed: () => void = () => undefined): Promise<void> {
  return new Promise(resolve => {
    let since: number | undefined
    const stop = (): void => {
      since ??= performance.now()
      resolve()
    }
    process.on('SIGTERM', stop)
    process.on('SIGQUIT', stop)
    process.on('SIGINT', () => {
      if (since !== undefined && performance.now() - since > SAME_MS) pressed()
      stop()
    })
    if (env.npm_command === undefined && env.SALLYPORT_LAUNCHED === undefined) return
    const parent = process.ppid
    setInterval(() => {
      if (process.ppid !== parent) stop()
    }, LOOK_MS).unref()
  })
}
