import assert from 'node:assert/strict'
import { randomInt, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { SECURITY_INTERFACE_ID } from '@twinward/protocol'
import { startProcess } from '../process.ts'
import { type CallApi, identityToken, until } from '../server.ts'
import { startWebhookReceiver } from '../webhook-receiver.ts'

/** How often the server is killed. */
const ROUNDS = Number(process.env.TWINWARD_CRASH_ROUNDS ?? 15)
const MESSAGES_A_ROUND = 12
const MAX_LIFE_MS = 400
const MODULE = '/devices/pump-1/modules/azureiotsecurity'

test(`kill -9 during deliveries, ${ROUNDS} times: every finding arrives at least once, in order`, async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'twinward-'))
  t.after(() => rmSync(dataDir, { recursive: true, force: true }))
  await using receiver = await startWebhookReceiver()
  for (let round = 0; round <= ROUNDS; round++) {
    const { child, call, exited, ready } = await startProcess(dataDir)
    if (round === 0) await prepare(call, receiver)
    if (round < ROUNDS) {
      receiver.answerWith(round % 3 === 1 ? 503 : 204)
      const { body } = await call('GET', MODULE)
      const authorization = identityToken(`${ready.hostName}${MODULE}`, body)
      for (let n = 0; n < MESSAGES_A_ROUND; n++) await send(call, authorization)
      await new Promise((resolve) => setTimeout(resolve, randomInt(MAX_LIFE_MS)))
      child.kill('SIGKILL')
      await exited
      continue
    }
    receiver.answerWith(204)
    await allArrived(call, receiver)
    child.kill('SIGTERM')
    await exited
  }
  const newest = new Map<string, number>()
  for (const { body } of receiver.received) {
    const last = newest.get(body.alert.id) ?? 0
    // The same again is what "at least once" means; what is older never comes after what is newer.
    assert.ok(body.sequence >= last, `${body.sequence} after ${last}`)
    newest.set(body.alert.id, body.sequence)
  }
})

async function prepare(
  call: CallApi,
  { url, caFile }: { readonly url: string; readonly caFile: string },
): Promise<void> {
  const { readFileSync } = await import('node:fs')
  await call('PUT', '/devices/pump-1', { body: { deviceId: 'pump-1' } })
  const notifications = '/api/security/notifications'
  const settings = { url, ca: readFileSync(caFile, 'utf8') }
  const channel = { id: 'soar', kind: 'webhook', settings }
  assert.equal((await call('POST', `${notifications}/channels`, { body: channel })).status, 201)
  const route = { id: 'all', channels: ['soar'], limit: 10_000 }
  assert.equal((await call('POST', `${notifications}/routes`, { body: route })).status, 201)
}

async function send(call: CallApi, authorization: string): Promise<void> {
  const time = new Date().toISOString()
  const { status } = await call('POST', `${MODULE}/messages/events`, {
    policy: null,
    headers: { authorization, 'iothub-interface-id': SECURITY_INTERFACE_ID },
    body: {
      AgentVersion: '0.0.6',
      AgentId: 'e8a3d9c1-6b54-4a0f-9a53-0c1c3e1f77aa',
      MessageSchemaVersion: '1.0',
      Events: [
        {
          ...{ EventType: 'Security', Category: 'Triggered', Name: 'ProcessCreate' },
          ...{ PayloadSchemaVersion: '1.0', IsEmpty: false, Id: randomUUID() },
          ...{ TimestampLocal: time, TimestampUTC: time },
          Payload: [
            {
              ...{ Executable: '/bin/sh', ProcessId: 1, ParentProcessId: 1, UserId: '0' },
              CommandLine: `ufw disable # ${randomInt(20)}`,
            },
          ],
        },
      ],
    },
  })
  assert.equal(status, 204)
}

interface AlertView {
  readonly id: string
  readonly count: number
}

/** Waits until the newest state of each alert has come. */
async function allArrived(
  call: CallApi,
  { received }: Awaited<ReturnType<typeof startWebhookReceiver>>,
): Promise<void> {
  const deadlineMs = Date.now() + 120_000
  for (;;) {
    const { body } = await call('GET', '/api/security/alerts?limit=1000')
    const missing = (body.items as AlertView[]).filter(
      ({ id, count }) =>
        !received.some(({ body: { alert } }) => alert.id === id && alert.count === count),
    )
    const { body: status } = await call('GET', '/api/security/notifications/status')
    const [{ waiting, missed, deadLetters }] = status.items
    assert.deepEqual({ missed, deadLetters }, { missed: 0, deadLetters: 0 })
    if (missing.length === 0 && waiting === 0 && body.items.length > 0) return
    assert.ok(Date.now() < deadlineMs, `${missing.length} alerts never came, ${waiting} wait`)
    await until(async () => true)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}
