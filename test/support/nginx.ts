import { spawn } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { tempFolder } from './gate.ts'

export interface RunningNginx {
  readonly folder: string
  stop(): Promise<void>
}

/**
 * A real nginx of its own: one process, everything in a temporary folder.
 * @param http what stands in its `http` block; FOLDER is replaced.
 */
export async function startNginx(http: string, port: number): Promise<RunningNginx> {
  const folder = tempFolder()
  mkdirSync(join(folder, 'temp'))
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    name => `${name}_temp_path ${folder}/temp/${name};`,
  )
  const file = join(folder, 'nginx.conf')
  writeFileSync(
    file,
    `daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log warn;
events { worker_connections 512; }
http {
access_log off;
${temp.join('\n')}
${http.replaceAll('FOLDER', folder)}
}
`,
  )
  const child = spawn('nginx', ['-p', folder, '-c', file], { stdio: ['ignore', 'ignore', 'pipe'] })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()))
  for (let waited = 0; !(await answers(port)); waited += 20) {
    if (child.exitCode !== null || waited > 5_000) {
      child.kill('SIGKILL')
      throw new Error(`nginx does not listen: ${stderr}`)
    }
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return {
    folder,
    async stop() {
      child.kill('SIGTERM')
      await exited
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Whether something listens on a port of the loopback. */
export function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const probe = connect(port, '127.0.0.1')
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
}
