import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startProcess } from '../process.ts'
import { type CallApi, until } from '../server.ts'

/** How often the server is killed. */
const ROUNDS = Number(process.env.TWINWARD_CRASH_ROUNDS ?? 20)
const DEVICES = 1500
const PER_BULK = 100
/** Writes before the server is killed, and how long after the last of them. */
const MAX_WRITES = 30
const MAX_DELAY_MS = 50
const SITES = 4
/** A priority that no configuration of an earlier round had. */
let priority = 0

/** What was acknowledged. */
interface Acknowledged {
  /** By id: the level that it sets, and the site that it is for. */
  readonly configurations: Map<string, { level: number; site: number; priority: number }>
  readonly sites: number[]
}

test(`kill -9 while configurations come, change and go, ${ROUNDS} times: every twin ends as they say`, async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'twinward-'))
  t.after(() => rmSync(dataDir, { recursive: true, force: true }))
  const acknowledged: Acknowledged = {
    configurations: new Map(),
    sites: Array.from({ length: DEVICES }, () => 0),
  }
  let writes = 0
  for (let round = 0; round <= ROUNDS; round++) {
    const { child, call, exited } = await startProcess(dataDir)
    if (round === 0) await createDevices(call)
    if (round === ROUNDS) {
      await checkTwins(call, acknowledged)
      child.kill('SIGTERM')
      await exited
      break
    }
    const kill = () => setTimeout(() => child.kill('SIGKILL'), randomInt(MAX_DELAY_MS))
    writes += await load(call, acknowledged, kill)
    await exited
    await settleUnknown(dataDir, acknowledged)
  }
  t.diagnostic(`${writes} writes acknowledged`)
  assert.ok(writes > ROUNDS, 'the load was a load')
})

async function createDevices(call: CallApi): Promise<void> {
  for (let from = 0; from < DEVICES; from += PER_BULK) {
    const body = Array.from({ length: PER_BULK }, (_, at) => ({
      id: idOf(from + at),
      importMode: 'create',
    }))
    const { status } = await call('POST', '/devices', { body })
    assert.equal(status, 200)
  }
}

function idOf(index: number): string {
  return `pump-${String(index).padStart(5, '0')}`
}

/** Writes until the server is gone. @returns how many writes it acknowledged */
async function load(
  call: CallApi,
  { configurations, sites }: Acknowledged,
  kill: () => void,
): Promise<number> {
  const enough = 2 * randomInt(1, MAX_WRITES / 2)
  let writes = 0
  try {
    for (;;) {
      const id = `c${randomInt(3)}`
      const known = configurations.get(id)
      if (known && randomInt(3) === 0) {
        await call('DELETE', `/configurations/${id}`)
        configurations.delete(id)
      } else {
        const site = randomInt(SITES)
        const level = known?.level ?? randomInt(1000)
        const document = { level, site, priority: ++priority }
        const headers: Record<string, string> = known ? { 'if-match': '*' } : {}
        const answer = await call('PUT', `/configurations/${id}`, {
          body: bodyOf(document),
          headers,
        })
        if (answer.status === 200) configurations.set(id, document)
      }
      const index = randomInt(DEVICES)
      const site = randomInt(SITES)
      await call('PATCH', `/twins/${idOf(index)}`, { body: { tags: { site } } })
      sites[index] = site
      writes += 2
      if (writes === enough) kill()
    }
  } catch {
    return writes
  }
}

function bodyOf({
  level,
  site,
  priority: rank,
}: {
  level: number
  site: number
  priority: number
}) {
  return {
    content: { deviceContent: { 'properties.desired.level': level } },
    // A device without a tag is of site 0.
    targetCondition: site === 0 ? 'NOT tags.site > 0' : `tags.site = ${site}`,
    priority: rank,
  }
}

/** What was under way when the server died may have been done: what is there counts. */
async function settleUnknown(dataDir: string, { configurations, sites }: Acknowledged) {
  const { child, call, exited } = await startProcess(dataDir)
  const { body } = await call('GET', '/configurations')
  const known = new Set<string>()
  for (const { id, content, targetCondition, priority: rank } of body) {
    known.add(id)
    const site = Number(/= (\d+)$/.exec(targetCondition)?.[1] ?? 0)
    const level = content.deviceContent['properties.desired.level']
    configurations.set(id, { level, site, priority: rank })
  }
  for (const id of [...configurations.keys()]) if (!known.has(id)) configurations.delete(id)
  for (const [deviceId, twin] of await readTwins(call)) {
    const found = twin.site ?? 0
    sites[Number(deviceId.slice('pump-'.length))] = found
  }
  // In the middle of what it goes on with.
  child.kill('SIGKILL')
  await exited
}

interface Twin {
  readonly site?: number
  readonly level?: number
}

async function readTwins(call: CallApi): Promise<ReadonlyMap<string, Twin>> {
  const twins = new Map<string, Twin>()
  const query = 'SELECT deviceId, tags.site AS site, properties.desired.level AS level FROM devices'
  let headers: Record<string, string> = {}
  for (;;) {
    const answer = await call('POST', '/devices/query', { body: { query }, headers })
    for (const { deviceId, ...twin } of answer.body) twins.set(deviceId, twin)
    const continuation = answer.headers['x-ms-continuation']
    if (continuation === undefined) return twins
    headers = { 'x-ms-continuation': String(continuation) }
  }
}

async function checkTwins(call: CallApi, { configurations, sites }: Acknowledged): Promise<void> {
  const expected = sites.map((site) => {
    const targets = [...configurations.values()].filter((each) => each.site === site)
    return targets.sort((a, b) => b.priority - a.priority)[0]?.level
  })
  await until(async () => {
    const twins = await readTwins(call)
    assert.equal(twins.size, DEVICES)
    return expected.every((level, index) => twins.get(idOf(index))?.level === level)
  })
}
