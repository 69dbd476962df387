import assert from 'node:assert/strict'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { after, before as beforeAll, test } from 'node:test'
import { sampleDelivery } from '../../../test/deliveries.ts'
import { until } from '../../../test/until.ts'
import type { Channel } from '../../notifications/channel.ts'
import { readChannel } from '../../notifications/channel-settings.ts'
import { ATTEMPT_TIMEOUT_MS } from '../../notifications/limits.ts'
import { transportsOf } from './open-transport.ts'

// The other end takes the connection and says nothing, ever.
const sockets = new Set<Socket>()
const mute = createServer((socket) => {
  sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)))
})

beforeAll(() => new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve)))
after(() => {
  for (const socket of sockets) socket.destroy()
  mute.close()
})

const host = '127.0.0.1'
type Given = Pick<Channel, 'kind'> & { readonly settings: (port: number) => object }
const CHANNELS: readonly Given[] = [
  { kind: 'webhook', settings: (port) => ({ url: `http://${host}:${port}/` }) },
  {
    kind: 'email',
    settings: (port) => ({ host, port, security: 'none', from: 'a@example.org', to: ['b@x.org'] }),
  },
  { kind: 'syslog', settings: (port) => ({ host, port, protocol: 'tls' }) },
  { kind: 'nats', settings: (port) => ({ servers: [`${host}:${port}`] }) },
]

for (const { kind, settings } of CHANNELS) {
  test(`${kind}: who closes does not wait for an end that says nothing`, async () => {
    const { port } = mute.address() as AddressInfo
    const given = { ...settings(port) } as Record<string, unknown>
    const transport = transportsOf('1.0.0')(readChannel({ id: 'a', kind, settings: given }))
    const before = sockets.size
    const sent = transport.send([sampleDelivery()])
    await until(() => sockets.size > before)
    const startedMs = performance.now()
    await transport.close()
    const [failure] = await sent
    assert.ok(failure)
    assert.ok(performance.now() - startedMs < ATTEMPT_TIMEOUT_MS / 4)
    const [late] = await transport.send([sampleDelivery()])
    assert.match(late?.reason ?? '', /closed/)
  })
}
