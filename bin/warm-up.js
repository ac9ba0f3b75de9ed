// Starts a gate once, for `npm run build`: what V8 compiles on the way is what the next starts begin with.
'use strict'
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { Bundle } = require('./bundle.js')

const folder = mkdtempSync(join(tmpdir(), 'sallyport-'))
const config = join(folder, 'gate.yaml')
writeFileSync(
  config,
  `# Two routes of one secret: a start that has something to warn of.
listeners:
  - name: public
    bind: 127.0.0.1:0
    limits: { connections: 1000 }
admin:
  bind: unix:${join(folder, 'admin.sock')}
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
const bundle = new Bundle(join(__dirname, '../dist/cli'))
const { main } = bundle.require('./main.js')
main(['run', '--config', config, '--log-level', 'error'], () => {
  bundle.save()
  // When the gate listens to it.
  setImmediate(() => process.emit('SIGTERM'))
}).then(code => {
  process.exitCode = code
  rmSync(folder, { recursive: true })
})
