// Starts a gate once, for `npm run build`: what V8 compiles on the way is what the next starts begin with.
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadBundle } from './bundle.js'

const folder = mkdtempSync(join(tmpdir(), 'sallyport-'))
const admin = join(folder, 'admin.sock')
const config = join(folder, 'gate.yaml')
writeFileSync(
  config,
  `# Two routes of one secret: a start that has something to warn of.
listeners:
  - name: public
    bind: 127.0.0.1:0
    limits: { connections: 1000 }
admin:
  bind: unix:${admin}
routes:
  - name: one
    match: { path: /one, methods: [POST] }
    checks:
      - source-ip: { allow: [127.0.0.0/8, 10.0.0.0/8] }
      - rate-limit: { rate: 600/min, by: source-ip }
      - body-limit: { max: 512KiB }
      - content-type: { accept: [json] }
      - signature: { provider: github, secrets: [{ env: WARM_UP }] }
      - replay: {}
    forward: { to: "http://127.0.0.1:9/in", pass-headers: [X-GitHub-Event] }
  - name: two
    match: { path: /two }
    checks:
      - signature: { provider: standard-webhooks, secrets: [{ env: WARM_UP_TWO }] }
    forward:
      to: http://127.0.0.1:9/in
  - name: three
    match: { path: /three }
    checks:
      - signature: { provider: github, secrets: [{ env: WARM_UP }] }
    forward: { to: "http://127.0.0.1:9/in" }
`,
)
process.env.WARM_UP = 'only-to-be-compiled'
process.env.WARM_UP_TWO = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const { exports, bundle } = loadBundle(join(import.meta.dirname, '../dist/cli/main.js'))
const running = exports.main(['run', '--config', config, '--log-level', 'error'])
while (!(await listens())) await sleep(10)
bundle.save()
process.emit('SIGTERM')
process.exitCode = await running
rmSync(folder, { recursive: true })

async function listens() {
  const socket = connect(admin)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
