import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import { parseResponses } from '../raw-https.ts'
import { until } from '../server.ts'
import { get, put, startThings, type ThingsServer } from '../things-server.ts'

/** More on demand; what takes long is a peer that waits until it is let go. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 6)
/** Peers of one run, below the server’s limit. */
const AT_ONCE = 15

let things: ThingsServer

before(async () => {
  things = await startThings()
})

after(() => things.app.close())

const requests = [
  get('/things/a%2Fb?api-version=2021-04-12', 'Authorization: x\r\n'),
  put('/things/a', '{"a":{"b":[1,true,null,"\\u00e9"]},"c":1e3}', 'If-Match: "*"\r\n').toString(),
  'PUT /things/a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{"a":1}\r\n0\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n',
]
const pieces = fc.constantFrom(
  ...[
    '\r\n',
    '\n',
    '\0',
    ' ',
    ':',
    '%',
    '%2',
    '%ff',
    '"',
    '{',
    ']',
    ',',
    '\\u',
    '\ud800',
    '9',
    '-',
  ],
  ...['Content-Length: 5\r\n', 'Transfer-Encoding: chunked\r\n', 'Expect: x\r\n', 'HTTP/1.0', '//'],
)
const damages = fc.array(fc.record({ at: fc.nat(), remove: fc.nat(3), insert: pieces }), {
  minLength: 1,
  maxLength: 4,
})

test('https: whatever is sent, each answer is whole and each refusal in the hub’s shape; it serves on', async () => {
  const some = fc.array(fc.tuple(fc.constantFrom(...requests), damages), {
    minLength: AT_ONCE,
    maxLength: AT_ONCE,
  })
  await fc.assert(
    fc.asyncProperty(some, async (damaged) => {
      await Promise.all(damaged.map(([request, damage]) => checkAnswers(damageOf(request, damage))))
    }),
    fuzzRuns(RUNS),
  )
  assert.deepEqual(things.logged, [], 'nothing of it was a bug')
  assert.equal((await things.send(get('/things/a')))[0]?.status, 200)
})

type Damage = readonly { readonly at: number; readonly remove: number; readonly insert: string }[]

function damageOf(request: string, damage: Damage): string {
  let damaged = request
  for (const { at, remove, insert } of damage) {
    const cut = at % (damaged.length + 1)
    damaged = damaged.slice(0, cut) + insert + damaged.slice(cut + remove)
  }
  return damaged
}

async function checkAnswers(text: string): Promise<void> {
  const peer = await things.open()
  peer.socket.write(text)
  // What waits for more than it gets is told so after the limit; nothing stays open for ever.
  await until(() => parseResponses(peer.received()).length > 0 || peer.socket.closed)
  peer.socket.destroy()
  for (const { status, headers, body } of parseResponses(peer.received())) {
    assert.ok(status >= 200 && status < 500, `${status} for ${JSON.stringify(text)}`)
    if (status < 400) continue
    assert.ok(headers['iothub-errorcode'], JSON.stringify(text))
    assert.match(headers['x-ms-request-id'] ?? '', /^[0-9a-f-]{36}$/)
    if (body !== '') assert.match(JSON.parse(body).Message, /^ErrorCode:\w+;/)
  }
}
