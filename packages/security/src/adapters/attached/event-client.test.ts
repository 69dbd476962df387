import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { EventClient } from './event-client.ts'

const HOST = '127.81.4.9'
const DEADLINE_MS = 5_000
const clock = { now: () => 0, sleep: async () => {}, every: () => () => {} }

test('a connection that is given up while it opens leaves no socket behind', async () => {
  // Takes connections and never says a word.
  const server = createServer().listen(0, HOST)
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const { port } = server.address() as AddressInfo
  const giveUp = new AbortController()
  const address = { hostName: HOST, httpsPort: 443, amqpPort: port, policyName: 'p', policyKey: '' }
  const connecting = EventClient.connect(address, clock, giveUp.signal)
  const [socket] = await accepted
  socket.resume()
  const closed = once(socket, 'close', { signal: AbortSignal.timeout(DEADLINE_MS) })
  giveUp.abort(new Error('enough'))
  await assert.rejects(connecting, { message: 'enough' })
  await closed.finally(() => {
    socket.destroy()
    server.close()
  })
})
