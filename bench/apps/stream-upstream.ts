/** What streams end at: takes the whole body of a PUT and answers how long it was; answers a GET with so many bytes. */
import { createServer, type ServerResponse } from 'node:http'

const [port, bytes] = process.argv.slice(2).map(Number)
const chunk = Buffer.alloc(256 * 1024)

function send(response: ServerResponse, left: number): void {
  if (left === 0) {
    response.end()
    return
  }
  const part = left < chunk.length ? chunk.subarray(0, left) : chunk
  const next = () => send(response, left - part.length)
  if (response.write(part)) setImmediate(next)
  else response.once('drain', next)
}

createServer((request, response) => {
  let received = 0
  request.on('data', (part: Buffer) => {
    received += part.length
  })
  request.on('end', () => {
    if (request.method === 'PUT') {
      response.end(JSON.stringify({ received }))
      return
    }
    response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': bytes })
    send(response, bytes ?? 0)
  })
}).listen(port, '127.0.0.1')
