import htm from 'htm'
import { h } from 'preact'

/** Templates that become elements: what stands in `${}` is text or an attribute's value, never markup. */
export const html = htm.bind(h)
