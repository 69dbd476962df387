import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { systemClock } from '@twinward/hub'
import rhea, { type EventContext } from 'rhea'
import { makeCertificate } from '../../../hub/test/certificate.ts'
import { EventClient } from '../../../security/src/adapters/attached/event-client.ts'

/** The certificate's own. */
const HOST = '127.0.0.1'
const DEADLINE_MS = 5_000

test('a hub that goes away before it says where its events are is not waited for', async () => {
  const hub = rhea.create_container()
  hub.sasl_server_mechanisms.enable_plain(() => true)
  // What the client opens as a receiver is a sender here.
  hub.on('sender_open', ({ connection }: EventContext) => {
    connection.get_tls_socket()?.destroy(new Error('gone'))
  })
  for (const end of ['disconnected', 'connection_error', 'error']) hub.on(end, () => {})
  const { cert, key, ca } = await makeCertificate()
  const server = hub.listen({ host: HOST, port: 0, transport: 'tls', cert, key })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const policy = { policyName: 'service', policyKey: 'a2V5' }
  const address = { hostName: HOST, httpsPort: 443, amqpPort: port, ...policy, ca }
  const connecting = EventClient.connect(address, systemClock, AbortSignal.timeout(DEADLINE_MS))
  await assert.rejects(connecting, { code: 'ServiceUnavailable' })
  server.close()
})
