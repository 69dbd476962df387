// aedes behind TLS, with its default, in-memory persistence. Arguments: cert, key.
// Plain JavaScript, so that no TypeScript loader sits in the memory that is measured.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:tls'
import { Aedes } from 'aedes'

const [certFile, keyFile] = process.argv.slice(2)
const broker = await Aedes.createBroker()
const server = createServer(
  { cert: readFileSync(certFile), key: readFileSync(keyFile), noDelay: true },
  broker.handle,
)
server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => {
  process.stdout.write(`${JSON.stringify({ event: 'ready', port: server.address().port })}\n`)
})
