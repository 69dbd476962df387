import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import Fastify from 'fastify'
import { alert } from '../../test/contracts/findings.ts'
import { FakeClock, settle } from '../../test/fake-clock.ts'
import { until } from '../../test/until.ts'
import { MemoryFindingStore } from '../adapters/memory/finding-store.ts'
import { type FindingChange, subjectOf } from '../findings/finding-change.ts'
import { FindingFeed } from '../findings/finding-feed.ts'
import type { SecurityService } from '../security.ts'
import { DRAIN_DEADLINE_MS, followFeed, HEARTBEAT_MS } from './follow-feed.ts'
import { MAX_STREAMS, streamRoutes } from './stream.ts'

function newWorld() {
  const findings = new MemoryFindingStore()
  const feed = new FindingFeed(findings)
  const tell = async (...alerts: ReturnType<typeof alert>[]) => {
    await findings.commit({ alerts })
    feed.wake()
    await settle()
  }
  return { findings, feed, clock: new FakeClock(), tell }
}

/** A client of one stream: what our end writes to, and what its end gets. */
async function connect(
  { feed, clock }: ReturnType<typeof newWorld>,
  wanted: (change: FindingChange) => boolean,
) {
  const ended = new AbortController()
  let raw: ServerResponse | undefined
  let outcome: unknown
  const server = createServer((_, response) => {
    raw = response.on('close', () => ended.abort())
    const following = { feed, clock, after: 0, signal: ended.signal }
    followFeed(response, { ...following, wanted: async (change) => wanted(change) }).catch(
      (error: unknown) => {
        outcome = error
        response.destroy()
      },
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const [answer] = (await once(request({ port, host: '127.0.0.1' }).end(), 'response')) as [
    IncomingMessage,
  ]
  answer.on('error', () => {})
  return {
    answer,
    raw: raw as unknown as ServerResponse,
    outcome: () => outcome,
    close: () => {
      answer.destroy()
      server.close()
    },
  }
}

test('a client that takes nothing is cut off after its time, and holds little until then', async () => {
  const world = newWorld()
  const { raw, answer, outcome, close } = await connect(world, () => true)
  answer.pause()
  const long = 'x'.repeat(50_000)
  for (let n = 0; n < 400 && !raw.writableNeedDrain; n++) {
    await world.tell(alert(`a${n}`, { description: long }))
  }
  await until(() => raw.writableNeedDrain)
  await settle()
  assert.ok(raw.writableLength < 1024 * 1024, `${raw.writableLength} bytes wait in memory`)
  await world.clock.advance(DRAIN_DEADLINE_MS - 1)
  assert.equal(raw.destroyed, false)
  await world.clock.advance(1)
  await until(() => raw.destroyed)
  assert.match(String(outcome()), /takes nothing/)
  close()
})

test('a client that wants nothing of a busy feed hears that the stream is alive', async () => {
  const world = newWorld()
  const { answer, close } = await connect(world, (change) => subjectOf(change).deviceId === 'x')
  let text = ''
  answer.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  for (let second = 0; second < HEARTBEAT_MS / 1_000; second++) {
    await world.clock.advance(1_000)
    await world.tell(alert(`a${second}`))
  }
  await until(() => text.includes(': alive'))
  assert.doesNotMatch(text, /event:/)
  close()
})

test('so many streams at a time; who leaves makes room', async () => {
  const { feed, clock } = newWorld()
  const app = Fastify()
  const reporting = { feed, clock, judge: { groupOf: async () => 'default' } }
  streamRoutes(app, { security: { reporting } as unknown as SecurityService })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const open = async () => {
    const call = request({ port, host: '127.0.0.1', path: '/api/security/stream' })
    const [answer] = (await once(call.end(), 'response')) as [IncomingMessage]
    return answer.on('error', () => {})
  }
  const answers = await Promise.all(Array.from({ length: MAX_STREAMS }, open))
  assert.ok(answers.every(({ statusCode }) => statusCode === 200))
  const refused = await open()
  assert.notEqual(refused.statusCode, 200)
  assert.match(String((await refused.toArray())[0]), /100 streams are open/)
  answers[0]?.destroy()
  await until(async () => {
    const next = await open()
    if (next.statusCode === 200) return true
    next.resume()
    return false
  })
  // The end of the server is the end of its streams.
  await app.close()
})
