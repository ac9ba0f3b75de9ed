import { z } from 'zod'

/**
 * A schema that is made when a value of it is first met, or asked for: most configs have few of all blocks that there are.
 * For blocks that may not be left out by themselves and have no default of their own; `optional` and `default` go around it.
 */
export function late<Schema extends z.ZodType>(make: () => Schema): z.ZodLazy<Schema> {
  let made: Schema | undefined
  const schema = z.lazy(() => {
    made ??= make()
    return made
  })
  // Otherwise an object would ask for the whole block, to learn whether its key may be absent.
  for (const key of ['optin', 'optout']) Object.defineProperty(schema._zod, key, { value: undefined })
  return schema
}
