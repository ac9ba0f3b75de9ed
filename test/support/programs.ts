import { execFile } from 'node:child_process'

/** Whether a program that a test talks to is installed here. */
export function hasProgram(name: string, ...args: string[]): Promise<boolean> {
  return new Promise(resolve => execFile(name, args, error => resolve(error === null)))
}
