export type TimestampUnit = 's' | 'ms' | 'iso'

/** Epoch milliseconds of a sender's timestamp; `undefined` where it is not written exactly as the unit says. */
export function readTimestamp(text: string, unit: TimestampUnit): number | undefined {
  if (unit === 'iso') {
    // RFC 3339; Date.parse alone takes much more.
    if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/.test(text)) return undefined
    const at = Date.parse(text)
    // Date.parse carries 30 February and 24:00 over into the next day.
    const written = Date.parse(`${text.slice(0, 19)}Z`)
    if (Number.isNaN(at) || Number.isNaN(written)) return undefined
    return new Date(written).toISOString().slice(0, 19) === text.slice(0, 19) ? at : undefined
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
