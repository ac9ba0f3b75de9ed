import { spawn } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tempFolder } from './gate.ts'
import { answers } from './nginx.ts'

/** A real HAProxy of its own. @param config its `frontend` and `backend` sections, of which one listens on `port` */
export async function startHaproxy(config: string, port: number): Promise<{ stop(): Promise<void> }> {
  const folder = tempFolder()
  const file = join(folder, 'haproxy.cfg')
  writeFileSync(file, `defaults\n  timeout connect 2s\n  timeout client 5s\n  timeout server 5s\n${config}\n`)
  const child = spawn('haproxy', ['-db', '-q', '-f', file], { stdio: ['ignore', 'ignore', 'pipe'] })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()))
  for (let waited = 0; !(await answers(port)); waited += 20) {
    if (child.exitCode !== null || waited > 5_000) {
      child.kill('SIGKILL')
      throw new Error(`haproxy does not listen: ${stderr}`)
    }
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return {
    async stop() {
      child.kill('SIGTERM')
      await exited
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
