/** The upstream where nginx is not installed: reads the body, gives one fixed answer. */
import { createServer } from 'node:http'

const [port, answer = ''] = process.argv.slice(2)

createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': answer.length })
    response.end(answer)
  })
}).listen(Number(port), '127.0.0.1')
