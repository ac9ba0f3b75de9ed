import { z } from 'zod'
import { type Component, parseComponent } from './component.ts'

/** Values of a config that both ends of a message signature have. */

const MOST_COMPONENTS = 32

const component = z.string().superRefine((text, context) => {
  const parsed = parseComponent(text)
  if ('why' in parsed)
    context.addIssue({
      code: 'custom',
      message: `is no component (${parsed.why}); write a field's name in lower case, or @method, @target-uri and so on`,
    })
})

export const componentList = z.array(component).max(MOST_COMPONENTS)

export const keyid = z.string().regex(/^[\x20-\x7e]{1,256}$/, 'is no keyid: write 1 to 256 printable ASCII characters')

export const label = z
  .string()
  .regex(/^[a-z*][a-z0-9_.*-]{0,63}$/, 'is no label: write lower-case letters, digits, "_", "-", "." and "*"')

export const tag = z.string().regex(/^[\x20-\x7e]{1,256}$/, 'is no tag: write 1 to 256 printable ASCII characters')

/** @param texts of `componentList` */
export function componentsOf(texts: readonly string[]): readonly Component[] {
  return texts.map(text => {
    const parsed = parseComponent(text)
    if ('why' in parsed) throw new Error(parsed.why)
    return parsed
  })
}
