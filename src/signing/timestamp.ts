export type TimestampUnit = 's' | 'ms' | 'iso'

/** Epoch milliseconds of a sender's timestamp; `undefined` where it is not written exactly as the unit says. */
export function readTimestamp(text: string, unit: TimestampUnit): number | undefined {
  if (unit === 'iso') {
    // RFC 3339; Date.parse alone takes much more.
    if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/.test(text)) return undefined
    const at = Date.parse(text)
    return Number.isNaN(at) ? undefined : at
  }
  // No sign, space, point, exponent or leading zero: one moment has one spelling.
  if (!/^[1-9]\d{0,14}$/.test(text)) return undefined
  return unit === 's' ? Number(text) * 1000 : Number(text)
}

/** A moment as the unit writes it. */
export function writeTimestamp(epochMs: number, unit: TimestampUnit): string {
  if (unit === 'iso') return new Date(epochMs).toISOString().replace(/\.\d{3}Z$/, 'Z')
  return String(unit === 's' ? Math.floor(epochMs / 1000) : epochMs)
}
