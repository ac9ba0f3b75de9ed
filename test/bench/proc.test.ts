import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { cpuOf, parseResident, parseStat, residentOf, tree } from '../../bench/proc.ts'

const stat = (name: string) => `42 (${name}) S 7 42 42 0 -1 4194560 900 0 0 0 150 25 3 2 20 0 11 0 127500 3133440 393`

describe('/proc', () => {
  it('adds user and system time, with that of children that ended', () => {
    expect(parseStat(stat('node'))).toEqual({ pid: 42, parent: 7, cpuUs: 1_800_000 })
  })

  it('finds the fields after a name with spaces and parentheses', () => {
    expect(parseStat(stat('nginx: worker (1) S 1'))?.parent).toBe(7)
  })

  it('answers nothing for a process that ended meanwhile', () => {
    expect(parseStat('')).toBeUndefined()
    expect(parseStat('42 (node) S')).toBeUndefined()
  })

  it('reads resident memory from either file', () => {
    expect(parseResident('55d0-7ffe ---p 0 00:00 0 [rollup]\nRss:      2048 kB\nPss:  1024 kB\n')).toBe(2 * 1024 * 1024)
    expect(parseResident('Name:\tnode\nVmRSS:\t    1024 kB\n')).toBe(1024 * 1024)
    expect(parseResident('')).toBe(0)
  })

  it('takes a process with its descendants, whatever the order, and nobody else', () => {
    const one = (pid: number, parent: number) => ({ pid, parent, cpuUs: 0 })
    const all = [one(4, 3), one(3, 2), one(2, 1), one(5, 1), one(1, 0)]
    expect(tree(all, 2).map(({ pid }) => pid)).toEqual([4, 3, 2])
  })

  it.runIf(process.platform === 'linux')('counts what a child of a child burns', async () => {
    // The inner process burns about 0.3 s, then waits for its input to end.
    const burn = 'const end = process.cpuUsage().user + 3e5; while (process.cpuUsage().user < end); console.log("done")'
    const inner = `require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(`${burn}; process.stdin.resume()`)}], { stdio: "inherit" })`
    const child = spawn(process.execPath, ['-e', inner], { stdio: ['pipe', 'pipe', 'inherit'] })
    try {
      await once(child.stdout, 'data')
      expect(cpuOf(child.pid ?? 0)).toBeGreaterThan(250_000)
      expect(residentOf(child.pid ?? 0)).toBeGreaterThan(40e6)
    } finally {
      const closed = once(child, 'close')
      child.stdin.end()
      await closed
    }
  })
})
