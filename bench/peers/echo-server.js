// The limit: a bare TLS server in Node that sends back what it gets. Arguments: cert, key.
// Plain JavaScript, so that no TypeScript loader sits in the memory that is measured.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:tls'

const [certFile, keyFile] = process.argv.slice(2)
const server = createServer(
  { cert: readFileSync(certFile), key: readFileSync(keyFile), noDelay: true },
  (socket) => {
    socket.on('data', (bytes) => socket.write(bytes))
    socket.on('error', () => socket.destroy())
  },
)
server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => {
  process.stdout.write(`${JSON.stringify({ event: 'ready', port: server.address().port })}\n`)
})
