import type { AnyCheckKind } from '../core/check.ts'

/** Every check there is. A check's YAML key is its name; the catalogue of refusals is made from this list. */
export const checkKinds: readonly AnyCheckKind[] = []
