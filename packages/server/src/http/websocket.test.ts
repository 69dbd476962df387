import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { until } from '../../test/server.ts'
import { startEndpoint, type TestEndpoint, upgradeRequest } from '../../test/websocket-server.ts'

/** What the server says to an upgrade until it closes or has switched protocols. */
async function answerTo(
  { raw }: TestEndpoint,
  path?: string,
  headers: Readonly<Record<string, string | undefined>> = {},
): Promise<string> {
  const socket = await raw()
  const closed = once(socket, 'close')
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  socket.write(upgradeRequest(path, headers))
  await until(() => text.includes('\r\n\r\n'))
  if (text.startsWith('HTTP/1.1 101')) socket.destroy()
  else await closed
  return text
}

test('upgrade: every spelling of the subprotocol is taken and echoed as it came', async () => {
  await using server = await startEndpoint()
  for (const name of ['mqtt', 'MQTT', 'Mqtt']) {
    const answer = await answerTo(server, undefined, { 'Sec-WebSocket-Protocol': name })
    assert.match(answer, /^HTTP\/1\.1 101 /)
    assert.match(answer, new RegExp(`Sec-WebSocket-Protocol: ${name}\r\n`))
    assert.doesNotMatch(answer, /permessage-deflate/)
  }
  const several = await answerTo(server, undefined, { 'Sec-WebSocket-Protocol': 'x, mqtt' })
  assert.match(several, /Sec-WebSocket-Protocol: mqtt\r\n/)
})

test('upgrade: the path may be encoded, of any case, and have a query', async () => {
  await using server = await startEndpoint()
  const paths = [
    '/$iothub/websocket?iothub-no-client-cert=true',
    '/%24iothub/websocket',
    '/$IoTHub/WebSocket/',
    '/$servicebus/websocket',
  ]
  for (const path of paths) assert.match(await answerTo(server, path), /^HTTP\/1\.1 101 /)
})

test('upgrade: compression is not negotiated even when it is offered', async () => {
  await using server = await startEndpoint()
  const headers = { 'Sec-WebSocket-Extensions': 'permessage-deflate' }
  assert.doesNotMatch(await answerTo(server, undefined, headers), /deflate/i)
})

const REFUSED: readonly (readonly [string, string, Record<string, string | undefined>, RegExp])[] =
  [
    ['another path', '/devices', {}, /^HTTP\/1\.1 404 .*GenericNotFound/s],
    ['a broken path', '/%zz', {}, /^HTTP\/1\.1 404 /],
    ['no subprotocol', '', { 'Sec-WebSocket-Protocol': undefined }, /^HTTP\/1\.1 400 .*mqtt/s],
    ['an unknown one', '', { 'Sec-WebSocket-Protocol': 'chat' }, /^HTTP\/1\.1 400 .*mqtt/s],
    ['another upgrade', '', { Upgrade: 'h2c' }, /^HTTP\/1\.1 400 /],
    ['no key', '', { 'Sec-WebSocket-Key': undefined }, /^HTTP\/1\.1 400 /],
    ['an old version', '', { 'Sec-WebSocket-Version': '7' }, /^HTTP\/1\.1 4\d\d /],
  ]
for (const [what, path, headers, answer] of REFUSED) {
  test(`upgrade: ${what} is refused and the connection closed`, async () => {
    await using server = await startEndpoint()
    assert.match(await answerTo(server, path || undefined, headers), answer)
    assert.equal(server.endpoint.streamCount, 0)
  })
}

test('close: streams end, and upgrades are not taken any more', async () => {
  await using server = await startEndpoint()
  const socket = await server.open()
  const closed = once(socket, 'close')
  server.endpoint.close()
  await closed
  await until(() => server.endpoint.streamCount === 0)
  assert.ok(server.streams.every((stream) => stream.destroyed))
})

test('peer: its address and its client certificate are passed on', async () => {
  await using server = await startEndpoint()
  const { cert, key } = server.clientKey
  const socket: TLSSocket = connect({
    ...{ host: '127.0.0.1', port: server.port, rejectUnauthorized: false, cert, key },
  })
  await once(socket, 'secureConnect')
  socket.write(upgradeRequest())
  await until(() => server.peers.length === 1)
  const [peer] = server.peers
  assert.equal(peer?.address, '127.0.0.1')
  assert.deepEqual(Buffer.from(peer?.certificate()?.raw ?? []), socket.getX509Certificate()?.raw)
  const plain = await server.open()
  assert.equal(server.peers[1]?.certificate(), undefined)
  plain.terminate()
  socket.destroy()
})
