import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { parseResponses } from '../../test/raw-https.ts'
import { until } from '../../test/server.ts'
import { get, put, SHORT_LIMITS, startThings, type ThingsServer } from '../../test/things-server.ts'

let things: ThingsServer

before(async () => {
  things = await startThings()
})

after(() => things.app.close())

test('what is no HTTP is told so and disconnected: headers too long, smuggling forms, junk', async () => {
  const body = '{"smuggled":1}'
  const head = 'PUT /things/a HTTP/1.1\r\nHost: h\r\n'
  const length = `Content-Length: ${body.length}\r\n`
  const requests: [text: string, status: number][] = [
    [get('/things/a', `X: ${'x'.repeat(20_000)}\r\n`), 431],
    [`GET /things/${'a'.repeat(20_000)} HTTP/1.1\r\n\r\n`, 431],
    [`${head}${length}Transfer-Encoding: chunked\r\n\r\n${body}`, 400],
    [`${head}Transfer-Encoding: chunked\r\n${length}\r\n${body}`, 400],
    [`${head}${length}Content-Length: 3\r\n\r\n${body}`, 400],
    [`${head}${length}Transfer-Encoding: chunked, identity\r\n\r\n${body}`, 400],
    [`${head}Transfer-Encoding: xchunked\r\n\r\n${body}`, 400],
    [`${head}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`, 400],
    [`${head}Content-Length: +14\r\n\r\n${body}`, 400],
    [`${head}Content-Length: 14 15\r\n\r\n${body}`, 400],
    [`${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n${body}\r\n0\r\n\r\n`, 400],
    [`${head}X: a\r\n folded: b\r\n${length}\r\n${body}`, 400],
    [`${head}X: a\0b\r\n\r\n`, 400],
    ['GET /things/a HTTP/9.9\r\n\r\n', 400],
    ['\x16\x03\x01 what is this', 400],
  ]
  for (const [text, status] of requests) {
    things.echoed.length = 0
    const peer = await things.open()
    peer.socket.write(text)
    const [answer, ...more] = parseResponses(await peer.closed)
    assert.equal(answer?.status, status, JSON.stringify(text.slice(0, 120)))
    assert.deepEqual(more, [])
    assert.deepEqual(things.echoed, [], 'nothing of it was taken for a request')
  }
  assert.equal(
    (await things.refused(get('/a', `X: ${'x'.repeat(20_000)}\r\n`))).code,
    'GenericBadRequest',
  )
})

test('slow peers are let go: half a header, half a body, a header that drips', async () => {
  const half = put('/things/a', '{"a":1}').subarray(0, -3)
  for (const bytes of [Buffer.from('GET /things/a HTTP/1.1\r\nX-A: b'), half]) {
    const peer = await things.open()
    peer.socket.write(bytes)
    const [answer] = parseResponses(await peer.closed)
    assert.equal(answer?.status, 408)
  }
  const drip = await things.open()
  drip.socket.write('GET /things/a HTTP/1.1\r\n')
  const timer = setInterval(() => drip.socket.write('X: y\r\n'), 20)
  drip.socket.on('close', () => clearInterval(timer))
  const [answer] = parseResponses(await drip.closed)
  assert.equal(answer?.status, 408)
})

test('pipelined requests are answered in their order', async () => {
  const ids = Array.from({ length: 300 }, (_, index) => `d${index}`)
  const requests = ids.map((id, index) =>
    index % 3 === 0
      ? put(`/things/${id}`, JSON.stringify({ id }))
      : Buffer.from(get(`/things/${id}`)),
  )
  const responses = await things.send(Buffer.concat(requests), ids.length)
  assert.deepEqual(
    responses.map(({ body }) => JSON.parse(body).id),
    ids,
  )
})

test('idle connections beyond the limit are closed; those within it are served', async () => {
  const connections = promisify(things.app.server.getConnections.bind(things.app.server))
  await until(async () => (await connections()) === 0)
  const peers = await Promise.all(
    Array.from({ length: SHORT_LIMITS.maxConnections }, () => things.open()),
  )
  await assert.rejects(things.open().then(() => 'in', Promise.reject.bind(Promise)))
  for (const { socket } of peers) socket.write(get('/things/a'))
  await until(() => peers.every(({ received }) => parseResponses(received()).length === 1))
  for (const { socket } of peers) socket.destroy()
})
