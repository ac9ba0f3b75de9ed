import { type CurlWorld, readCurl } from './curl.ts'
import type { FileRequest } from './file-request.ts'
import { shellWords } from './shell-words.ts'

const ASSIGNMENT = /^[ \t]*(?:export[ \t]+)?(?=[A-Za-z_]\w*=)/
const SCRIPT =
  /^(?:[ \t]*(?:#.*|set [-+].*|(?:export[ \t]+)?[A-Za-z_]\w*=.*)?\r?\n)+[ \t]*(?:[^\s'"]*[/\\])?curl(?:\.exe)?[\s\\]/

/** Whether a text is a script of a shell that sets variables and then runs curl. */
export const isShellScript = (text: string): boolean => SCRIPT.test(text)

/** The request of the first curl command of a script, with the variables that are set before it. @throws VerbFault */
export function readShellScript(text: string, world: CurlWorld): FileRequest {
  const rows = text.split('\n')
  const env = { ...world.env }
  const command = rows.findIndex(row => /^[ \t]*(?:[^\s'"=#]*[/\\])?curl(?:\.exe)?[\s\\]/.test(row))
  for (const [index, row] of rows.slice(0, command).entries()) {
    if (!ASSIGNMENT.test(row)) continue
    // Faults tell the line: those before it are empty ones.
    for (const { text } of shellWords(`${'\n'.repeat(index)}${row.replace(ASSIGNMENT, '')}`, env)) {
      const equals = text.indexOf('=')
      if (equals > 0) env[text.slice(0, equals)] = text.slice(equals + 1)
    }
  }
  return readCurl(`${'\n'.repeat(command)}${rows.slice(command).join('\n')}`, { ...world, env })
}
