// The limit for connects: a bare TLS server in Node that answers the first bytes with CONNACK 0 and
// whose streams end when the peer's do. Arguments: cert, key.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:tls'

const CONNACK = Buffer.from([0x20, 2, 0, 0])
const [certFile, keyFile] = process.argv.slice(2)
const server = createServer(
  { cert: readFileSync(certFile), key: readFileSync(keyFile), noDelay: true },
  (socket) => {
    socket.once('data', () => {
      socket.write(CONNACK)
      socket.resume()
    })
    socket.on('error', () => socket.destroy())
  },
)
server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => {
  process.stdout.write(`${JSON.stringify({ event: 'ready', port: server.address().port })}\n`)
})
