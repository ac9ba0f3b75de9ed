import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const { engines } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'))

function isOld(path: string): boolean {
  const major = Number(/\d+/.exec(execFileSync(path, ['--version'], { encoding: 'utf8' }))?.[0])
  return major < Number(/\d+/.exec(engines.node)?.[0])
}

/** A Node of the system that is too old to run the gate itself; `undefined` where there is none. */
export const olderNode = (process.env.PATH ?? '')
  .split(delimiter)
  .map(folder => join(folder, 'node'))
  .find(path => !path.includes('node_modules') && existsSync(path) && isOld(path))
