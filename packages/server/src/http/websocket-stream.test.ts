import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { TestClock } from '../../../hub/test/clock.ts'
import { until } from '../../test/server.ts'
import { startEndpoint, upgradeRequest } from '../../test/websocket-server.ts'
import { MAX_FRAME_BYTES, PING_INTERVAL_MS } from './websocket.ts'

/** All that was received, once it is `length` bytes. */
async function receive(socket: WebSocket, length: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  const take = (chunk: Buffer) => {
    chunks.push(chunk)
    bytes += chunk.length
  }
  socket.on('message', take)
  await until(() => bytes >= length)
  socket.off('message', take)
  return Buffer.concat(chunks)
}

test('stream: bytes arrive in order, however frames cut or join them', async () => {
  await using server = await startEndpoint()
  const socket = await server.open()
  const sent = randomBytes(300_000)
  for (let at = 0; at < sent.length; ) {
    const size = at < 2000 ? 1 + (at % 3) : 50_000
    socket.send(sent.subarray(at, at + size))
    at += size
  }
  assert.deepEqual(await receive(socket, sent.length), sent)
  socket.send(sent.subarray(0, 10), { fin: false })
  socket.send(Buffer.alloc(0), { fin: false })
  socket.send(sent.subarray(10, 20), { fin: true })
  assert.deepEqual(await receive(socket, 20), sent.subarray(0, 20))
  socket.terminate()
})

test('stream: a close by the peer ends it, and what came before is read', async () => {
  const read: Buffer[] = []
  let hasEnded = false
  await using server = await startEndpoint((stream) => {
    stream.on('data', (chunk) => read.push(chunk))
    stream.on('end', () => {
      hasEnded = true
    })
  })
  const socket = await server.open()
  socket.send(Buffer.from('goodbye'))
  socket.close()
  const [code] = await once(socket, 'close')
  await until(() => server.endpoint.streamCount === 0)
  assert.deepEqual([code, hasEnded, Buffer.concat(read).toString()], [1005, true, 'goodbye'])
})

test('stream: its end closes the WebSocket after all that was written', async () => {
  await using server = await startEndpoint((stream) => {
    stream.write(Buffer.alloc(100_000))
    stream.end('last')
  })
  const socket = new WebSocket(`wss://127.0.0.1:${server.port}/$iothub/websocket`, 'mqtt', {
    rejectUnauthorized: false,
  })
  const chunks: Buffer[] = []
  socket.on('message', (chunk: Buffer) => chunks.push(chunk))
  const [code] = await once(socket, 'close')
  const received = Buffer.concat(chunks)
  assert.deepEqual([code, received.length], [1000, 100_004])
  assert.equal(received.subarray(-4).toString(), 'last')
  await until(() => server.endpoint.streamCount === 0)
})

test('stream: a peer that never answers the close is cut off', async () => {
  await using server = await startEndpoint((stream) => stream.destroy())
  const socket = await server.raw()
  socket.write(upgradeRequest())
  socket.resume()
  await once(socket, 'close')
  await until(() => server.endpoint.streamCount === 0)
})

const HOSTILE: readonly (readonly [string, (socket: WebSocket) => void, number])[] = [
  ['a text frame', (socket) => socket.send('text'), 1003],
  ['a frame over the limit', (socket) => socket.send(Buffer.alloc(MAX_FRAME_BYTES + 1)), 1009],
  [
    'fragments over the limit',
    (socket) => {
      for (let i = 0; i < 11; i++) socket.send(Buffer.alloc(MAX_FRAME_BYTES / 10), { fin: false })
    },
    1009,
  ],
]
for (const [what, send, expected] of HOSTILE) {
  test(`stream: ${what} closes with ${expected}`, async () => {
    await using server = await startEndpoint()
    const socket = await server.open()
    socket.on('error', () => {})
    send(socket)
    const [code] = await once(socket, 'close')
    assert.equal(code, expected)
    await until(() => server.endpoint.streamCount === 0)
  })
}

test('stream: whatever bytes follow the handshake, no stream stays behind', async () => {
  await using server = await startEndpoint()
  const sockets = await Promise.all(Array.from({ length: 40 }, () => server.raw()))
  await Promise.all(
    sockets.map(async (socket, i) => {
      socket.resume()
      socket.write(upgradeRequest())
      // The first byte decides what kind of frame it is; all of them have a turn.
      for (let n = 0; n < 7; n++) {
        socket.write(
          Buffer.concat([Buffer.of((i * 7 + n) % 256), randomBytes(1 + ((n * i) % 200))]),
        )
      }
      socket.end()
      await once(socket, 'close')
    }),
  )
  await until(() => server.endpoint.streamCount === 0)
  const socket = await server.open()
  socket.send(Buffer.from('still here'))
  assert.equal((await receive(socket, 10)).toString(), 'still here')
  socket.terminate()
})

test('stream: a peer that is gone in the middle of the upgrade leaves nothing behind', async () => {
  await using server = await startEndpoint()
  const request = upgradeRequest()
  for (let length = 0; length < request.length + 20; length += 20) {
    const socket = await server.raw()
    socket.write(request.slice(0, length))
    socket.destroy()
  }
  await until(() => server.endpoint.streamCount === 0)
  assert.ok(server.streams.every((stream) => stream.destroyed))
})

test('stream: what is not read is not taken from the peer', async () => {
  await using server = await startEndpoint(() => {})
  const socket = await server.open()
  const CHUNK = Buffer.alloc(64 * 1024)
  const MAX_HELD_BYTES = 64 * 1024 * 1024
  let sent = 0
  await until(() => server.streams.length === 1)
  // The kernel's buffers fill up first; then the peer's own.
  await until(() => {
    for (let i = 0; i < 16 && socket.bufferedAmount < 4 * CHUNK.length; i++) {
      socket.send(CHUNK)
      sent += CHUNK.length
    }
    assert.ok(sent < MAX_HELD_BYTES, `${sent} bytes were taken`)
    return socket.bufferedAmount >= 4 * CHUNK.length && sent > 1024 * 1024
  })
  const [stream] = server.streams
  const held = stream?.readableLength ?? 0
  assert.ok(held < 2 * 1024 * 1024, `${held} bytes are held`)
  let read = 0
  stream?.on('data', (chunk) => {
    read += chunk.length
  })
  await until(() => read === sent)
  socket.terminate()
})

test('stream: a peer that does not read makes the writer wait', async () => {
  await using server = await startEndpoint(() => {})
  const socket = await server.open()
  socket.pause()
  await until(() => server.streams.length === 1)
  const [stream] = server.streams
  assert.ok(stream)
  stream.on('error', () => {})
  let written = 0
  while (stream.write(Buffer.alloc(64 * 1024)) || (await drains(stream))) written += 64 * 1024
  assert.ok(written < 64 * 1024 * 1024 && stream.writableLength > 0)
  let received = 0
  socket.on('message', (chunk: Buffer) => {
    received += chunk.length
  })
  socket.resume()
  await once(stream, 'drain')
  await until(() => received === written + 64 * 1024)
  socket.terminate()
})

/** Whether the stream has room again within a moment in which a reading peer would have made it. */
function drains(stream: NodeJS.EventEmitter): Promise<boolean> {
  return Promise.race([
    once(stream, 'drain').then(() => true),
    new Promise<boolean>((resolve) => setTimeout(resolve, 300, false)),
  ])
}

test('liveness: a silent peer is cut off, one that answers pings stays', async () => {
  const clock = new TestClock()
  await using server = await startEndpoint(undefined, clock)
  const alive = await server.open()
  const silent = await server.raw()
  silent.resume()
  silent.write(upgradeRequest())
  await until(() => server.endpoint.streamCount === 2)
  for (let round = 0; round < 3; round++) {
    const pinged = once(alive, 'ping')
    clock.advance(PING_INTERVAL_MS)
    await pinged
    alive.send(Buffer.from('x'))
    await receive(alive, 1)
  }
  assert.equal(server.endpoint.streamCount, 1)
  assert.equal(silent.closed || silent.destroyed || silent.readableEnded, true)
  alive.terminate()
})

test('liveness: a peer that floods with pings is cut off', async () => {
  await using server = await startEndpoint()
  const socket = await server.open()
  socket.on('error', () => {})
  socket.pause()
  for (let i = 0; i < 10_000; i++) socket.ping()
  await until(() => server.endpoint.streamCount === 0)
  socket.terminate()
})
