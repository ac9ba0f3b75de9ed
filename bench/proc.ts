import { readdirSync, readFileSync } from 'node:fs'

/** Linux's USER_HZ, the unit of `utime` and `stime`; 100 on every architecture that Node runs on (proc(5)). */
const TICKS_PER_SECOND = 100

export interface ProcessStat {
  readonly pid: number
  readonly parent: number
  /** Microseconds of processor time of all its threads, and of children that have ended and were waited for. */
  readonly cpuUs: number
}

/** Reads `/proc/PID/stat` (proc(5)). The command's name stands in parentheses and may itself hold any of them. */
export function parseStat(text: string): ProcessStat | undefined {
  const open = text.indexOf('(')
  const close = text.lastIndexOf(')')
  if (open < 1 || close < open) return undefined
  const rest = text
    .slice(close + 1)
    .trim()
    .split(/\s+/)
  const pid = Number(text.slice(0, open))
  const parent = Number(rest[1])
  const ticks = Number(rest[11]) + Number(rest[12]) + Number(rest[13]) + Number(rest[14])
  if (!Number.isInteger(pid) || !Number.isInteger(parent) || !Number.isInteger(ticks)) return undefined
  return { pid, parent, cpuUs: (ticks * 1e6) / TICKS_PER_SECOND }
}

/** Bytes resident, of `/proc/PID/smaps_rollup` or `/proc/PID/status`; 0 where neither field is there. */
export function parseResident(text: string): number {
  const match = /^(?:Rss|VmRSS):\s+(\d+) kB$/m.exec(text)
  return match ? Number(match[1]) * 1024 : 0
}

/** `root` and all that descend from it. */
export function tree(all: readonly ProcessStat[], root: number): ProcessStat[] {
  const members = new Set([root])
  for (let grown = true; grown; ) {
    grown = false
    for (const { pid, parent } of all) {
      if (members.has(parent) && !members.has(pid)) {
        members.add(pid)
        grown = true
      }
    }
  }
  return all.filter(({ pid }) => members.has(pid))
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return '' // The process ended between the listing and the reading.
  }
}

function processes(): ProcessStat[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(pid => parseStat(read(`/proc/${pid}/stat`)))
    .filter(stat => stat !== undefined)
}

/** Microseconds of processor time that the process tree of `root` has used. */
export function cpuOf(root: number): number {
  return tree(processes(), root).reduce((sum, { cpuUs }) => sum + cpuUs, 0)
}

/** Bytes resident in the process tree of `root`; a page shared by two processes counts twice. */
export function residentOf(root: number): number {
  return tree(processes(), root).reduce(
    (sum, { pid }) => sum + parseResident(read(`/proc/${pid}/smaps_rollup`) || read(`/proc/${pid}/status`)),
    0,
  )
}
