import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ConnectionOptions, connect } from 'node:tls'
import { startTestServer, type TestServer } from '../server.ts'

// Addresses of this machine that a rule may refuse: 127.0.0.1 itself always may connect.
const STRANGER = '127.9.9.9'
const FRIEND = '127.8.8.8'

let server: TestServer
before(async () => {
  server = await startTestServer()
})
after(() => server[Symbol.asyncDispose]())

/** Whether a TLS handshake from that address succeeds. */
function mayConnect(port: number, localAddress: string): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { host: server.host, port, localAddress, rejectUnauthorized: false }
    const socket = connect(options as ConnectionOptions)
    socket.on('secureConnect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

test('the IP filter holds on every port, from the next connection on, and is taken back', async () => {
  const { mqttPort, amqpPort, httpsPort } = server.ready
  const ports = [mqttPort, amqpPort, httpsPort]
  const all = (address: string) => Promise.all(ports.map((port) => mayConnect(port, address)))
  assert.deepEqual(await all(STRANGER), [true, true, true])
  const rules = [
    { name: 'friend', action: 'accept', mask: `${FRIEND}/32` },
    { name: 'self', action: 'accept', mask: '127.0.0.1' },
    { name: 'rest', action: 'reject', mask: '0.0.0.0/0' },
  ]
  const set = await server.call('PUT', '/api/ip-filter', { body: { rules } })
  assert.deepEqual([set.status, set.body.rules], [200, rules])
  assert.deepEqual(await all(STRANGER), [false, false, false])
  assert.deepEqual(await all(FRIEND), [true, true, true])
  const { body } = await server.call('GET', '/api/ip-filter')
  assert.ok(body.refusedConnections >= 3)
  const wrong = await server.call('PUT', '/api/ip-filter', { body: { rules: [{ name: 'x' }] } })
  assert.equal(wrong.status, 400)
  assert.match(wrong.body.Message, /rules\[0\]\.action/)
  const audit = await server.call('GET', '/api/audit?kind=security.change')
  const changes: { subject: string; outcome: string; principal: string }[] = audit.body.items
  assert.deepEqual(
    changes.map(({ subject, outcome, principal }) => [subject, outcome, principal]),
    [
      ['PUT /api/ip-filter', 'failure', 'iothubowner'],
      ['PUT /api/ip-filter', 'success', 'iothubowner'],
    ],
  )
  assert.equal((await server.call('PUT', '/api/ip-filter', { body: { rules: [] } })).status, 200)
  assert.deepEqual(await all(STRANGER), [true, true, true])
})
