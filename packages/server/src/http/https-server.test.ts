import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { parseResponses } from '../../test/raw-https.ts'
import { get, put, startThings, type ThingsServer } from '../../test/things-server.ts'

let things: ThingsServer

before(async () => {
  things = await startThings()
})

after(() => things.app.close())

test('a path is matched in any case, with %2F for its slashes, and its ids decoded once', async () => {
  const paths: [path: string, id: string][] = [
    ['/things/Dev-1', 'Dev-1'],
    ['/THINGS/Dev-1/', 'Dev-1'],
    ['/things%2Fdev1?a=%2F', 'dev1'],
    ['/things%2fa%2541', 'a%41'],
    ['/things/%25', '%'],
    ['/things/%23%3F%3B+%2B', '#?;++'],
    ["/things/a!$'()*,=@:_.b", "a!$'()*,=@:_.b"],
    ['/things/%61%25%C3%A4', 'a%ä'],
    [`/things/${'%41'.repeat(128)}`, 'A'.repeat(128)],
  ]
  for (const [path, id] of paths) {
    const [response] = await things.send(get(path))
    assert.equal(response?.status, 200, path)
    assert.deepEqual(JSON.parse(response?.body ?? ''), { id })
  }
})

test('an unknown path is 404; a known one with another method 405 with Allow', async () => {
  assert.deepEqual(await things.refused(get('/nowhere?secret=1')), {
    status: 404,
    code: 'GenericNotFound',
    message: 'No route GET /nowhere.',
  })
  for (const method of ['POST', 'OPTIONS', 'PROPFIND', 'TRACE']) {
    const [response] = await things.send(`${method} /Things/a/?x HTTP/1.1\r\nHost: h\r\n\r\n`)
    assert.equal(response?.status, 405, method)
    assert.equal(response?.headers.allow, 'GET, HEAD, PUT')
    assert.equal(response?.headers['iothub-errorcode'], 'GenericMethodNotAllowed')
  }
  const [head] = await things.send('HEAD /throttled HTTP/1.1\r\nHost: h\r\n\r\n')
  assert.equal(head?.status, 429)
})

test('a path that cannot be decoded, or names too much, is 400', async () => {
  for (const path of ['/things/%', '/things/%zz', '/things/a%2', '/things/%ff', '/%c0%ae']) {
    const { status, code } = await things.refused(get(path))
    assert.deepEqual([status, code], [400, 'GenericBadRequest'], path)
  }
  const { status, message } = await things.refused(get(`/things/${'a'.repeat(1000)}`))
  assert.deepEqual([status, message], [400, 'A name in the path is too long.'])
})

test('a body that is not good JSON is refused with what is wrong, and the connection stays', async () => {
  const bodies: [body: string | Buffer, headers: string, status: number, says: RegExp][] = [
    ['{"a":\n1,}', '', 400, /line 2, column 3/],
    ['{"a":1,"a":2}', '', 400, /member "a" is there twice/],
    ['{"a":"\\ud800"}', '', 400, /half a surrogate/],
    ['{"a":1e400}', '', 400, /out of range/],
    ['['.repeat(1024 * 1024), '', 400, /deeper than 64/],
    [Buffer.from([0x22, 0xff, 0x22]), '', 400, /not UTF-8/],
    ['', '', 400, /needs a body/],
    ['[]', '', 400, /body must be object/],
    ['null', '', 400, /body must be object/],
    ['{}', 'Content-Encoding: gzip\r\n', 415, /Content-Encoding/],
    ['{}', 'Content-Type: nonsense\r\n', 415, /Content-Type/],
  ]
  for (const [body, headers, status, says] of bodies) {
    const request = Buffer.concat([
      put('/things/a', body, headers),
      Buffer.from(get('/things/next')),
    ])
    const [answer, next] = await things.send(request, 2)
    assert.equal(answer?.status, status, String(says))
    assert.match(JSON.parse(answer?.body ?? '').Message, says)
    assert.equal(next?.body, '{"id":"next"}', String(says))
  }
})

test('a body is read with any type, with a byte order mark, in chunks', async () => {
  const chunked =
    'PUT /things/a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n' +
    '3\r\n{"a\r\n5;x=y\r\n":3} \r\n0\r\nX-Trailer: 1\r\n\r\n'
  const good: [string | Buffer, object][] = [
    [put('/things/a', '{"a":1}', 'Content-Type: text/plain; charset=iso-8859-1\r\n'), { a: 1 }],
    [put('/things/a', '\ufeff{"a":2}', 'Content-Type: application/vnd.x+json\r\n'), { a: 2 }],
    [chunked, { a: 3 }],
  ]
  for (const [request, body] of good) {
    const [answer] = await things.send(request)
    assert.deepEqual([answer?.status, JSON.parse(answer?.body ?? '')], [200, body])
  }
})

test('a body that is too large: 413, read by a client that sends all of it, and the connection stays', async () => {
  const large = `{"a":"${'x'.repeat(3 * 1024 * 1024)}"}`
  const [answer, next] = await things.send(
    Buffer.concat([put('/things/a', large), Buffer.from(get('/things/next'))]),
    2,
  )
  assert.equal(answer?.status, 413)
  assert.equal(answer?.headers['iothub-errorcode'], 'GenericRequestEntityTooLarge')
  assert.match(answer?.body ?? '', /may take 1048576 bytes/)
  assert.equal(next?.body, '{"id":"next"}')
  const chunk = `${(70_000).toString(16)}\r\n${'x'.repeat(70_000)}\r\n`
  const chunked = 'PUT /things/a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n'
  const { status } = await things.refused(`${chunked}${chunk.repeat(20)}0\r\n\r\n`)
  assert.equal(status, 413)
  assert.equal((await things.refused(put('/messages/a', 'x'.repeat(101)))).code, 'MessageTooLarge')
})

test('what is too large without end is cut off', async () => {
  const peer = await things.open()
  peer.socket.write('PUT /things/a HTTP/1.1\r\nHost: h\r\nContent-Length: 9000000000\r\n\r\n')
  const chunk = Buffer.alloc(64 * 1024, 0x20)
  const write = () => {
    while (!peer.socket.destroyed && peer.socket.write(chunk));
  }
  peer.socket.on('drain', write)
  write()
  const [answer] = parseResponses(await peer.closed)
  assert.equal(answer?.status, 413)
  assert.ok(peer.socket.bytesWritten < 64 * 1024 * 1024, `${peer.socket.bytesWritten} bytes`)
})

test('429 ends the connection without Retry-After; 503 says when to come again', async () => {
  const peer = await things.open()
  peer.socket.write(get('/throttled'))
  const [throttled] = parseResponses(await peer.closed)
  assert.equal(throttled?.status, 429)
  assert.equal(throttled?.headers.connection, 'close')
  assert.equal(throttled?.headers['retry-after'], undefined)
  const [busy, next] = await things.send(get('/busy') + get('/things/next'), 2)
  assert.deepEqual([busy?.status, busy?.headers['retry-after']], [503, '1'])
  assert.equal(next?.status, 200)
})

test('a bug is 500 without a word of it, things.logged once under the tracking id of the answer', async () => {
  things.logged.length = 0
  const [response] = await things.send(get('/bug'))
  assert.equal(response?.status, 500)
  assert.equal(response?.headers['iothub-errorcode'], 'ServerError')
  assert.doesNotMatch(response?.body ?? '', /secret|TypeError/)
  assert.equal(things.logged.length, 1)
  const [fields] = things.logged as { err: Error; trackingId: string; route: string }[]
  assert.equal(fields?.err.message, 'secret of the hub')
  assert.equal(fields?.route, '/bug')
  assert.ok(response?.body.includes(`Tracking ID:${fields?.trackingId}"`))
})

test('a request without Host is refused; an expectation nobody knows is ignored', async () => {
  const [hostless, next] = await things.send(
    `GET /things/a HTTP/1.1\r\n\r\n${get('/things/next')}`,
    2,
  )
  assert.equal(hostless?.status, 400)
  assert.match(hostless?.body ?? '', /no Host/)
  assert.equal(next?.status, 200)
  assert.equal((await things.send('GET /things/a HTTP/1.0\r\n\r\n'))[0]?.status, 200)
  assert.equal((await things.send(get('/things/a', 'Expect: a-miracle\r\n')))[0]?.status, 200)
})
