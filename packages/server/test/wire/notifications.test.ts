import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { after, before, test } from 'node:test'
import { identityToken, serviceToken, startTestServer, type TestServer, until } from '../server.ts'
import {
  documentedVerification,
  startWebhookReceiver,
  WEBHOOK_SECRET,
  type WebhookReceiver,
} from '../webhook-receiver.ts'

// Notifications from a whole server to a real HTTPS receiver, and the stream of findings.

let receiver: WebhookReceiver
let server: TestServer

before(async () => {
  receiver = await startWebhookReceiver()
  server = await startTestServer({
    webhookUrl: receiver.url,
    webhookSecret: WEBHOOK_SECRET,
    webhookCa: receiver.caFile,
  })
  await server.call('PUT', '/devices/pump-1', { body: { deviceId: 'pump-1' } })
})

after(async () => {
  await server?.[Symbol.asyncDispose]()
  await receiver?.[Symbol.asyncDispose]()
})

let events = 0

/** One event of an agent, over HTTPS as a module. */
async function sendMiner(): Promise<void> {
  const { body } = await server.call('GET', '/devices/pump-1/modules/azureiotsecurity')
  const time = new Date().toISOString()
  const answer = await server.call(
    'POST',
    '/devices/pump-1/modules/azureiotsecurity/messages/events',
    {
      policy: null,
      headers: {
        authorization: identityToken(
          `${server.host}/devices/pump-1/modules/azureiotsecurity`,
          body,
        ),
        'iothub-interface-id': 'urn:azureiot:Security:SecurityAgent:1',
      },
      body: {
        AgentVersion: '0.0.6',
        AgentId: 'e8a3d9c1-6b54-4a0f-9a53-0c1c3e1f77aa',
        MessageSchemaVersion: '1.0',
        Events: [
          {
            ...{ EventType: 'Security', Category: 'Triggered', Name: 'ProcessCreate' },
            ...{ PayloadSchemaVersion: '1.0', IsEmpty: false },
            Id: `00000000-0000-4000-8000-${String(++events).padStart(12, '0')}`,
            ...{ TimestampLocal: time, TimestampUTC: time },
            Payload: [
              {
                ...{ Executable: '/tmp/xmrig', ProcessId: 1, ParentProcessId: 1, UserId: '0' },
                CommandLine: './xmrig -o stratum+tcp://pool.example.net:3333',
              },
            ],
          },
        ],
      },
    },
  )
  assert.equal(answer.status, 204)
}

function notified(event: string) {
  return until(() => receiver.received.find(({ body }) => body.event === event))
}

test('webhook: a new alert and its changes arrive as the API shows them, signed', async () => {
  await sendMiner()
  const { body, bytes, headers } = await notified('alert-opened')
  const { body: page } = await server.call('GET', '/api/security/alerts?device=pump-1')
  assert.deepEqual(body.alert, page.items[0])
  assert.equal(headers['x-twinward-event'], 'alert-opened')
  assert.equal(headers['x-twinward-delivery'], body.id)
  assert.equal(body.before, undefined)
  assert.ok(body.link.startsWith(`https://${server.host}:${server.ready.httpsPort}/api/security/`))
  const path = body.link.slice(body.link.indexOf('/api/'))
  assert.equal((await server.call('GET', path)).body.id, body.alert.id)

  const isAuthentic = await documentedVerification()
  const signature = headers['x-twinward-signature']
  assert.ok(typeof signature === 'string')
  assert.equal(isAuthentic(WEBHOOK_SECRET, bytes, signature), true)
  assert.equal(isAuthentic('another secret', bytes, signature), false)
  assert.equal(isAuthentic(WEBHOOK_SECRET, Buffer.from(`${bytes} `), signature), false)
  assert.equal(isAuthentic(WEBHOOK_SECRET, bytes, undefined), false)

  await server.call('PATCH', path, { body: { status: 'InProgress', note: 'looking' } })
  const changed = await notified('alert-status-changed')
  assert.deepEqual(changed.body.before, { status: 'Active', severity: 'High', count: 1 })
  assert.equal(changed.body.alert.status, 'InProgress')
})

test('channels: secrets go in and never come out', async () => {
  const url = '/api/security/notifications/channels'
  const settings = { url: 'https://127.0.0.1:9/hook', secret: 'top-secret', authorization: 'x' }
  const made = await server.call('POST', url, { body: { id: 'soar', kind: 'webhook', settings } })
  assert.equal(made.status, 201)
  await server.call('PATCH', `${url}/soar`, {
    body: { description: 'a', settings: { authorization: null } },
  })
  const { body } = await server.call('GET', `${url}/soar`)
  assert.deepEqual(body.settings, { url: settings.url, secret: '********' })
  assert.doesNotMatch(JSON.stringify((await server.call('GET', url)).body), /top-secret|for tests/)
  for (const wrong of ['ftp://a.example', 'https://user:pw@a.example', 'file:///etc/passwd', 'x']) {
    const answer = await server.call('PATCH', `${url}/soar`, { body: { settings: { url: wrong } } })
    assert.equal(answer.status, 400, wrong)
  }
  const test = await server.call('POST', `${url}/soar/test`)
  assert.equal(test.body.hasArrived, false)
  assert.match(test.body.reason, /ECONNREFUSED/)
  const tested = await server.call('POST', `${url}/default/test`)
  assert.deepEqual(tested.body, { hasArrived: true, reason: null })
  const route = { id: 'all', channels: ['soar'], minimumSeverity: 'high' }
  const routes = '/api/security/notifications/routes'
  assert.equal((await server.call('POST', routes, { body: route })).status, 201)
  assert.equal((await server.call('DELETE', `${url}/soar`)).status, 400)
  assert.equal((await server.call('DELETE', `${routes}/all`)).status, 204)
  assert.equal((await server.call('DELETE', `${url}/soar`)).status, 204)
  assert.equal((await server.call('GET', `${url}/soar`)).status, 404)
  assert.equal((await server.call('DELETE', `${url}/default`)).status, 400)
})

test('drill: the whole way, and nothing of it counts', async () => {
  const before = await server.call('GET', '/api/devices/pump-1/security')
  const { status, body } = await server.call('POST', '/api/security/drill', {
    body: { device: 'pump-1' },
  })
  assert.equal(status, 200)
  assert.equal(body.hasPassed, true, JSON.stringify(body.steps))
  assert.deepEqual(
    body.steps.map(({ step, state }: { step: string; state: string }) => `${step} ${state}`),
    ['module', 'message', 'pipeline', 'rule', 'alert', 'route', 'notification', 'cleanup'].map(
      (step) => `${step} passed`,
    ),
  )
  const told = receiver.received.filter(({ body: one }) => one.drill === body.id)
  assert.deepEqual(
    told.map(({ body: one }) => one.event),
    ['alert-opened'],
  )
  assert.match(told[0]?.body.alert.displayName, /^Fire drill: /)
  const { body: page } = await server.call('GET', '/api/security/alerts?device=pump-1')
  const alert = page.items.find(({ drill }: { drill?: string }) => drill === body.id)
  assert.equal(alert.status, 'Resolved')
  const after = await server.call('GET', '/api/devices/pump-1/security')
  assert.equal(after.body.posture.score, before.body.posture.score)
  assert.deepEqual(after.body.alerts, before.body.alerts)
})

test('drill: it says where it broke', async () => {
  const drill = async () => (await server.call('POST', '/api/security/drill', { body: {} })).body
  const lastOf = (body: { steps: { state: string; step: string; detail: string }[] }) =>
    body.steps.find(({ state }) => state === 'failed')
  receiver.answerWith(503)
  const broken = await drill()
  receiver.answerWith(204)
  assert.equal(broken.brokenAt, 'notification')
  assert.match(lastOf(broken)?.detail ?? '', /HTTP 503/)
  const off = { body: { isEnabled: false } }
  const rule = '/api/security/rules/IoT_CryptoMiner'
  assert.equal((await server.call('PUT', rule, off)).status, 200)
  const silent = await drill()
  await server.call('PUT', rule, { body: { isEnabled: true } })
  assert.equal(silent.brokenAt, 'rule')
  assert.match(lastOf(silent)?.detail ?? '', /switched off/)
  await server.call('PUT', '/devices/bare', { body: { deviceId: 'bare' } })
  await server.call('DELETE', '/devices/bare/modules/azureiotsecurity', {
    headers: { 'if-match': '*' },
  })
  const nobody = await server.call('POST', '/api/security/drill', { body: { device: 'nobody' } })
  assert.equal(nobody.status, 404)
  assert.equal((await drill()).hasPassed, true)
})

interface Followed {
  /** Everything that came so far. */
  text(): string
  readonly response: IncomingMessage
}

function follow(query: string, lastEventId?: string): Promise<Followed> {
  return new Promise((resolve, reject) => {
    const call = request({
      host: server.host,
      port: server.ready.httpsPort,
      ca: readFileSync(server.caFile),
      path: `/api/security/stream${query}`,
      headers: {
        authorization: serviceToken(server.host, server.dataDir, 'service'),
        ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
      },
    })
    call.on('error', reject)
    call.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk) => chunks.push(chunk)).on('error', () => {})
      resolve({ response, text: () => Buffer.concat(chunks).toString() })
    })
    call.end()
  })
}

test('stream: findings come as they change, and from where a client left off', async () => {
  const all = await follow('?type=IoT_Crypto*&severity=high')
  assert.equal(all.response.headers['content-type'], 'text/event-stream; charset=utf-8')
  await until(() => all.text().includes(': following'))
  const none = await follow('?device=other')
  await until(() => none.text().includes(': following'))
  await sendMiner()
  await until(() => all.text().includes('event: alert-updated'))
  const id = /^id: (\d+)$/m.exec(all.text())?.[1] ?? ''
  const data = JSON.parse(/^data: (.*)$/m.exec(all.text())?.[1] ?? '')
  assert.equal(data.id, id)
  assert.equal(data.alert.deviceId, 'pump-1')
  assert.doesNotMatch(none.text(), /event:/)
  const again = await follow('', '0')
  await until(() => again.text().includes(`id: ${id}\n`))
  const ids = Array.from(again.text().matchAll(/^id: (\d+)$/gm), ([, one]) => Number(one))
  assert.deepEqual(
    ids,
    ids.map((_, at) => at + 1),
  )
  const ahead = await follow('', '999999')
  await until(() => ahead.text().includes(': following'))
  assert.equal((await follow('', 'x')).response.statusCode, 400)
  for (const one of [all, none, again, ahead]) one.response.destroy()
})
