let loaded: Promise<typeof import('@peculiar/x509')> | undefined

/** The library that issues certificates, imported on first use: its import takes longer than the gate's whole start. */
export function peculiar(): Promise<typeof import('@peculiar/x509')> {
  loaded ??= importWithMetadata()
  return loaded
}

/**
 * Its dependency injector refuses to be imported without the Reflect metadata proposal, though none of the classes that
 * are registered has a constructor parameter to look up. The two functions are there for the import and gone after it,
 * so that a real polyfill loaded later finds nothing in its place.
 */
async function importWithMetadata(): Promise<typeof import('@peculiar/x509')> {
  const missing = ['getMetadata', 'getOwnMetadata'].filter(name => !Reflect.has(Reflect, name))
  for (const name of missing) {
    Reflect.defineProperty(Reflect, name, { configurable: true, value: () => undefined })
  }
  try {
    return await import('@peculiar/x509')
  } finally {
    for (const name of missing) Reflect.deleteProperty(Reflect, name)
  }
}
