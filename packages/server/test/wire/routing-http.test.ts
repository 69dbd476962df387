import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { HttpsHub } from '../https-hub.ts'
import { startHttpsHub } from '../https-hub.ts'

let hub: HttpsHub
before(async () => {
  hub = await startHttpsHub()
})
after(() => hub[Symbol.asyncDispose]())

const EVENTS = ['events']
const FALLBACK = {
  name: '$fallback',
  source: 'DeviceMessages',
  condition: 'true',
  endpointNames: EVENTS,
}

test('GET /api/routing: the document of Azure Resource Manager, with its etag', async () => {
  const { status, headers, body } = await hub.call('GET', '/api/routing')
  assert.equal(status, 200)
  assert.equal(headers.etag, `"${body.etag}"`)
  const fallbackRoute = { ...FALLBACK, isEnabled: true }
  assert.deepEqual(body, { etag: body.etag, routes: [], fallbackRoute, enrichments: [] })
})

test('PUT /api/routing: takes what GET answers, guarded by If-Match', async () => {
  const routing = {
    routes: [
      { name: 'hot', source: 'Telemetry', condition: '$body.t > 30', endpointNames: EVENTS },
      { name: 'twins', source: 'TwinChangeEvents', endpointNames: EVENTS, isEnabled: false },
    ],
    fallbackRoute: { isEnabled: false },
    enrichments: [{ key: 'site', value: '$twin.tags.site', endpointNames: EVENTS }],
  }
  const first = await hub.call('PUT', '/api/routing', { body: routing })
  assert.equal(first.status, 200)
  assert.deepEqual(first.body, {
    etag: first.body.etag,
    routes: [
      { ...routing.routes[0], source: 'DeviceMessages', isEnabled: true },
      { ...routing.routes[1], condition: 'true' },
    ],
    fallbackRoute: { ...FALLBACK, isEnabled: false },
    enrichments: routing.enrichments,
  })
  const headers = { 'if-match': `"${first.body.etag}"` }
  const second = await hub.call('PUT', '/api/routing', { body: first.body, headers })
  assert.equal(second.status, 200)
  assert.deepEqual(second.body.routes, first.body.routes)
  const stale = await hub.call('PUT', '/api/routing', { body: first.body, headers })
  assert.equal(stale.status, 412)
  assert.deepEqual((await hub.call('GET', '/api/routing')).body, second.body)
})

test('PUT and DELETE of one route, of one enrichment', async () => {
  await hub.call('PUT', '/api/routing', { body: {} })
  const route = { source: 'DeviceMessages', condition: "level = 'hot'", endpointNames: EVENTS }
  const put = await hub.call('PUT', '/api/routing/routes/hot', { body: route })
  assert.deepEqual(put.body.routes, [{ name: 'hot', ...route, isEnabled: true }])
  const enrichment = { value: '$iothubname', endpointNames: EVENTS }
  const added = await hub.call('PUT', '/api/routing/enrichments/hub', { body: enrichment })
  assert.deepEqual(added.body.enrichments, [{ key: 'hub', ...enrichment }])
  const headers = { 'if-match': String(put.headers.etag) }
  const stale = await hub.call('DELETE', '/api/routing/routes/hot', { headers })
  assert.equal(stale.status, 412)
  const removed = await hub.call('DELETE', '/api/routing/routes/hot')
  assert.deepEqual([removed.status, removed.body.routes], [200, []])
  const emptied = await hub.call('DELETE', '/api/routing/enrichments/hub')
  assert.deepEqual(emptied.body.enrichments, [])
  for (const path of ['routes/hot', 'enrichments/hub']) {
    assert.equal((await hub.call('DELETE', `/api/routing/${path}`)).status, 404, path)
  }
})

test('what is wrong is named, with its place', async () => {
  const route = { source: 'DeviceMessages', condition: 'level = ', endpointNames: EVENTS }
  const refusals: readonly (readonly [string, unknown, RegExp])[] = [
    ['routes/hot', route, /ArgumentInvalid;Route 'hot': .* at character 9: expected a value/],
    ['routes/a%20b', route, /1 to 64 letters, digits and - _ \./],
    ['routes/hot', { ...route, condition: 'true', endpointNames: ['queue'] }, /endpoint 'queue'/],
    ['routes/hot', { endpointNames: EVENTS }, /source/],
    ['enrichments/k', { value: '$twin.x', endpointNames: EVENTS }, /Enrichment 'k': .*\$twin has/],
  ]
  for (const [path, body, problem] of refusals) {
    const answer = await hub.call('PUT', `/api/routing/${path}`, { body })
    assert.equal(answer.status, 400, path)
    assert.match(answer.body.Message, problem)
  }
})

test('POST /api/routing/test: where a message would go, or what is wrong with a condition', async () => {
  const route = { source: 'DeviceMessages', condition: '$body.t > 30', endpointNames: EVENTS }
  await hub.call('PUT', '/api/routing', {
    body: { routes: [{ name: 'hot', ...route }], fallbackRoute: { isEnabled: false } },
  })
  const systemProperties = { contentType: 'application/json', contentEncoding: 'utf-8' }
  const message = { body: '{"t":31}', systemProperties, appProperties: { a: 'b' } }
  const { status, body } = await hub.call('POST', '/api/routing/test', { body: { message } })
  assert.equal(status, 200)
  assert.deepEqual(body, {
    source: 'DeviceMessages',
    routes: ['hot'],
    endpointNames: EVENTS,
    isFallback: false,
    properties: { a: 'b' },
  })
  const wrong = { body: { message, condition: '$twin.foo = 1' } }
  const answer = await hub.call('POST', '/api/routing/test', wrong)
  assert.equal(answer.body.fault.position, 1)
})

test('a device of the HTTPS API is routed like any other', async () => {
  await hub.call('PUT', '/api/routing', {
    body: {
      routes: [
        {
          name: 'north',
          source: 'DeviceMessages',
          condition: "$twin.tags.site = 'north' AND $body.t > 30 AND level = 'hot'",
          endpointNames: EVENTS,
        },
      ],
      fallbackRoute: { isEnabled: false },
      enrichments: [{ key: 'hub', value: '$iothubname', endpointNames: EVENTS }],
    },
  })
  await hub.call('PUT', '/devices/pump-1', { body: { deviceId: 'pump-1' } })
  await hub.call('PATCH', '/twins/pump-1', { body: { tags: { site: 'north' } } })
  const headers = {
    'iothub-contenttype': 'application/json',
    'iothub-contentencoding': 'utf-8',
    'iothub-app-level': 'hot',
  }
  for (const t of [30, 31]) {
    const sent = await hub.call('POST', '/devices/pump-1/messages/events', {
      body: `{"t":${t}}`,
      headers,
    })
    assert.equal(sent.status, 204)
  }
  const [message, ...others] = await hub.messages()
  assert.deepEqual(others, [])
  assert.equal(Buffer.from(message?.body ?? []).toString(), '{"t":31}')
  assert.deepEqual({ ...message?.application }, { level: 'hot', hub: 'localhost' })
})
