import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What makes a network of its own, without privileges where user namespaces are allowed. */
export const OWN_NETWORK = ['unshare', '--map-root-user', '--mount', '--net', 'ip', 'link', 'set', 'lo', 'up'] as const

/**
 * Runs a script of sh in a network of its own: it has the loopback with these addresses, no way out, and names as the
 * hosts file says. @returns what it wrote to its output
 */
export function inOwnNetwork(
  folder: string,
  {
    addresses,
    hosts,
    script,
    env,
  }: { addresses: readonly string[]; hosts: string; script: string; env: NodeJS.ProcessEnv },
): Promise<string> {
  writeFileSync(join(folder, 'hosts'), `127.0.0.1 localhost\n${hosts}\n`)
  const setUp = [
    'ip link set lo up',
    ...addresses.map(address => `ip addr add ${address} dev lo`),
    'mount --bind hosts /etc/hosts',
  ].join(' && ')
  const [program, ...args] = OWN_NETWORK.slice(0, 4)
  const child = spawn(program ?? '', [...args, 'sh', '-c', `${setUp} || exit 9\n${script}`], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  return new Promise((resolve, reject) =>
    child.once('close', code =>
      stdout === '' ? reject(new Error(`the script ended with ${code}: ${stderr}`)) : resolve(stdout),
    ),
  )
}
