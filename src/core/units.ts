import { z } from 'zod'

const SIZE: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }
const TIME: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const PER: Readonly<Record<string, number>> = { s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 }

function quantity(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d{1,12}(?:\.\d{1,3})?)([A-Za-z]+)$/.exec(text)
  const unit = units[match?.[2] ?? '']
  return unit === undefined ? undefined : Math.round(Number(match?.[1]) * unit)
}

/** Bytes of `512KiB`, `1MiB`; `undefined` where it can't be read. */
export const parseSize = (text: string): number | undefined => quantity(text, SIZE)

/** Milliseconds of `250ms`, `10s`, `5m`, `24h`, `7d`; `undefined` where it can't be read. */
export const parseDuration = (text: string): number | undefined => quantity(text, TIME)

export interface Rate {
  /** Requests a period. */
  readonly count: number
  /** Milliseconds. */
  readonly periodMs: number
}

/** `300/min`, `10/s`; `undefined` where it can't be read. */
export function parseRate(text: string): Rate | undefined {
  const match = /^(\d{1,9})\/(s|min|h|d)$/.exec(text)
  const periodMs = PER[match?.[2] ?? '']
  const count = Number(match?.[1])
  return periodMs === undefined || count < 1 ? undefined : { count, periodMs }
}

function unit<T>(parse: (text: string) => T | undefined, pattern: RegExp, expected: string) {
  // The type says string or number so that `max: 512` gets the sentence about units, not one about types.
  return z
    .union([z.string(), z.number()])
    .transform((value, context): T => {
      const parsed = parse(String(value))
      if (parsed !== undefined) return parsed
      context.issues.push({ code: 'custom', message: `${JSON.stringify(value)} is not ${expected}`, input: value })
      return z.NEVER
    })
    .meta({ type: 'string', pattern: pattern.source })
}

/** A size in bytes, written `512KiB`. */
export const size = () =>
  unit(parseSize, /^\d+(\.\d+)?(B|KiB|MiB|GiB)$/, 'a size: write a number and B, KiB, MiB or GiB, e.g. 512KiB')

/** A duration in milliseconds, written `10s`. */
export const duration = () =>
  unit(parseDuration, /^\d+(\.\d+)?(ms|s|m|h|d)$/, 'a duration: write a number and ms, s, m, h or d, e.g. 10s')

/** A share between 0 and 1 of `20%`, `0.5%`; `undefined` where it can't be read or is over 100 %. */
export function parseShare(text: string): number | undefined {
  const match = /^(\d{1,3}(?:\.\d{1,3})?)%$/.exec(text)
  const percent = Number(match?.[1])
  return match === null || percent > 100 ? undefined : percent / 100
}

/** A rate, written `300/min`. */
export const rate = () =>
  unit(parseRate, /^\d+\/(s|min|h|d)$/, 'a rate: write a count and /s, /min, /h or /d, e.g. 300/min')

/** A share between 0 and 1, written `20%`. */
export const share = () => unit(parseShare, /^\d+(\.\d+)?%$/, 'a share: write a number up to 100 and %, e.g. 20%')

/** 1_258_291 -> `1.2 MiB`: for people. */
export function formatSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  if (bytes < 1024 ** 2) return `${trim(bytes / 1024)} KiB`
  return bytes < 1024 ** 3 ? `${trim(bytes / 1024 ** 2)} MiB` : `${trim(bytes / 1024 ** 3)} GiB`
}

/** 412_000 -> `6.9 m`: for people. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${trim(ms)} ms`
  if (ms < 120_000) return `${trim(ms / 1000)} s`
  if (ms < 7_200_000) return `${trim(ms / 60_000)} m`
  return ms < 172_800_000 ? `${trim(ms / 3_600_000)} h` : `${trim(ms / 86_400_000)} d`
}

const trim = (value: number): string => String(Math.round(value * 10) / 10)
