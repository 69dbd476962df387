// The limit: bare servers in Node. Over TLS, for every `requestBytes` that come in `answerBytes` go out
// (0: the same bytes back). Over HTTPS, every request gets a body of `bodyBytes`.
// Arguments: cert, key, requestBytes, answerBytes, bodyBytes.
// Plain JavaScript, so that no TypeScript loader sits in the memory that is measured.
import { readFileSync } from 'node:fs'
import { createServer as createHttpsServer } from 'node:https'
import { createServer } from 'node:tls'

const [certFile, keyFile, ...sizes] = process.argv.slice(2)
const [requestBytes = 0, answerBytes = 0, bodyBytes = 0] = sizes.map(Number)
const tls = { cert: readFileSync(certFile), key: readFileSync(keyFile), noDelay: true }
const answer = Buffer.alloc(answerBytes, 'x')
const body = JSON.stringify('x'.repeat(bodyBytes))

const server = createServer(tls, requestBytes === 0 ? echo : answerEach)
const httpsServer = createHttpsServer(tls, (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
  response.end(body)
})
const ports = await Promise.all([listen(server), listen(httpsServer)])
const [port, httpsPort] = ports
process.stdout.write(`${JSON.stringify({ event: 'ready', port, httpsPort })}\n`)

function echo(socket) {
  socket.on('data', (bytes) => socket.write(bytes))
  socket.on('error', () => socket.destroy())
}

function answerEach(socket) {
  let open = 0
  socket.on('data', (bytes) => {
    open += bytes.length
    socket.cork()
    for (; open >= requestBytes; open -= requestBytes) socket.write(answer)
    socket.uncork()
  })
  socket.on('error', () => socket.destroy())
}

function listen(one) {
  return new Promise((resolve) => {
    one.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => resolve(one.address().port))
  })
}
