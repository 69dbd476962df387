import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { startProcess } from '../process.ts'
import type { CallApi } from '../server.ts'

/** How often the server is killed. */
const ROUNDS = Math.ceil(Number(process.env.TWINWARD_CRASH_ROUNDS ?? 50) / 25)
const DEVICES = 4
/** Writes of a device under way at once. */
const IN_FLIGHT = 4
const MAX_LOAD_MS = 400

interface StoredEvent {
  readonly deviceId: string
  readonly opType: string
  readonly version: number
}

test(`kill -9 under load, ${ROUNDS} times: each acknowledged change has its event, in order`, async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'twinward-'))
  t.after(() => rmSync(dataDir, { recursive: true, force: true }))
  /** `opType deviceId version` of what was acknowledged. */
  const acknowledged: string[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const { child, call, exited } = await startProcess(dataDir)
    if (round === 0) await prepare(call)
    if (round === ROUNDS) {
      child.kill('SIGTERM')
      await exited
      break
    }
    for (let n = 0; n < DEVICES * IN_FLIGHT; n++) {
      void patchOn(call, `pump-${n % DEVICES}`, acknowledged)
    }
    void comeAndGo(call, `guest-${round}`, acknowledged)
    await new Promise((resolve) => setTimeout(resolve, randomInt(100, MAX_LOAD_MS)))
    child.kill('SIGKILL')
    await exited
  }
  const db = new Database(join(dataDir, 'messages.db'), { readonly: true })
  t.after(() => db.close())
  const events = storedEvents(db)
  const told = new Set(events.map((each) => `${each.opType} ${each.deviceId} ${each.version}`))
  const missing = acknowledged.filter((each) => !told.has(each))
  assert.deepEqual(missing, [])
  t.diagnostic(`${acknowledged.length} changes acknowledged, ${events.length} events stored`)
  assert.ok(acknowledged.length > ROUNDS * DEVICES, 'the load was a load')
  for (let n = 0; n < DEVICES; n++) {
    const own = events.filter(
      ({ deviceId, opType }) => deviceId === `pump-${n}` && opType === 'updateTwin',
    )
    const versions = own.map(({ version }) => version)
    assert.deepEqual(
      versions,
      [...new Set(versions)].sort((a, b) => a - b),
      `pump-${n}`,
    )
  }
  assert.equal(countedBytes(db), actualBytes(db), 'the sizes are those of what is there')
})

async function prepare(call: CallApi): Promise<void> {
  const routes = ['TwinChangeEvents', 'DeviceLifecycleEvents'].map((source) => ({
    name: source,
    source,
    endpointNames: ['events'],
  }))
  assert.equal((await call('PUT', '/api/routing', { body: { routes } })).status, 200)
  for (let n = 0; n < DEVICES; n++) {
    const deviceId = `pump-${n}`
    assert.equal((await call('PUT', `/devices/${deviceId}`, { body: { deviceId } })).status, 200)
  }
}

/** Until the server is gone. */
async function patchOn(call: CallApi, deviceId: string, acknowledged: string[]): Promise<void> {
  for (let n = 0; ; n++) {
    const answer = await call('PATCH', `/twins/${deviceId}`, { body: { tags: { n } } }).catch(
      () => {},
    )
    if (answer?.status !== 200) return
    acknowledged.push(`updateTwin ${deviceId} ${answer.body.version}`)
  }
}

/** A device that is created and deleted again and again. */
async function comeAndGo(call: CallApi, name: string, acknowledged: string[]): Promise<void> {
  for (let n = 0; ; n++) {
    const deviceId = `${name}-${n}`
    const path = `/devices/${deviceId}`
    const created = await call('PUT', path, { body: { deviceId } }).catch(() => {})
    if (created?.status !== 200) return
    acknowledged.push(`createDeviceIdentity ${deviceId} 2`)
    const headers = { 'if-match': '*' }
    const deleted = await call('DELETE', path, { headers }).catch(() => {})
    if (deleted?.status !== 204) return
    acknowledged.push(`deleteDeviceIdentity ${deviceId} 2`)
  }
}

/** Those of devices; the security service writes to twins of modules. */
function storedEvents(db: Database.Database): readonly StoredEvent[] {
  const rows = db
    .prepare<[], { device_id: string; headers: string; body: Buffer }>(
      `SELECT device_id, headers, body FROM event WHERE stream = 'telemetry'
       AND module_id = '' ORDER BY partition, sequence`,
    )
    .all()
  return rows.map(({ device_id, headers, body }) => ({
    deviceId: device_id,
    opType: JSON.parse(headers).application.opType,
    version: JSON.parse(body.toString()).version,
  }))
}

function countedBytes(db: Database.Database): unknown {
  return db.prepare("SELECT sum(bytes) FROM event_head WHERE stream = 'telemetry'").pluck().get()
}

function actualBytes(db: Database.Database): unknown {
  return db
    .prepare(
      `SELECT sum(octet_length(headers) + octet_length(body)) FROM event
       WHERE stream = 'telemetry'`,
    )
    .pluck()
    .get()
}
