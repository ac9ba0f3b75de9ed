import { z } from 'zod'
import type { Scheme } from './scheme.ts'

/** Settings of a provider's own, which stand flat under `signature:` in the config. */
export interface ProviderSettings {
  /** By the key in the config, each with its description. One that may be left out is optional. */
  readonly shape: Readonly<Record<string, z.ZodType>>
  /** For the config to paste, as YAML has it. */
  readonly example: Readonly<Record<string, unknown>>
  /** @param values that the shape gave: they are not read again. */
  scheme(values: object): Scheme
}

/**
 * The two members of a provider that has settings: the scheme as its example makes it, which tables and pages show, and how
 * a route's own settings make it.
 * @param shape without defaults: the config would give them to every provider
 */
export function withSettings<Shape extends Readonly<Record<string, z.ZodType>>>(
  shape: Shape,
  example: z.input<z.ZodObject<Shape>> & Readonly<Record<string, unknown>>,
  make: (values: z.output<z.ZodObject<Shape>>) => Scheme,
): { readonly scheme: Scheme; readonly settings: ProviderSettings } {
  const settings = z.object(shape)
  return {
    scheme: make(settings.parse(example)),
    settings: { shape, example, scheme: values => make(values as z.output<z.ZodObject<Shape>>) },
  }
}
