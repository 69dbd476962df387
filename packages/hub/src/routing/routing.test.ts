import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DeviceMessage, SECURITY_INTERFACE_ID } from '@twinward/protocol'
import { makeHub, type TestHub } from '../../test/hub.ts'
import { MemoryEventLog } from '../adapters/memory/event-log.ts'
import { MemoryRegistry } from '../adapters/memory/registry.ts'
import type { Credential } from '../registry/authenticator.ts'
import type { Entry } from '../registry/registry.ts'
import { MAX_ENRICHMENTS, MAX_ROUTES, type RouteInput } from './routing-document.ts'

const PUMP = { deviceId: 'pump-1' }
const CREDENTIAL = { authMethod: '{}', generationId: '1' } as Credential
const EVENTS = ['events']

function route(condition: string, parts: Partial<RouteInput> = {}): RouteInput {
  return { source: 'Telemetry', condition, endpointNames: EVENTS, ...parts }
}

function telemetry(text: string, parts: Partial<DeviceMessage> = {}): DeviceMessage {
  return { ref: PUMP, system: {}, application: {}, body: Buffer.from(text), ...parts }
}

async function send(hub: TestHub, text: string, parts: Partial<DeviceMessage> = {}): Promise<void> {
  await hub.telemetry.accept(telemetry(text, parts), CREDENTIAL)
}

async function stored(hub: TestHub): Promise<readonly string[]> {
  return (await hub.messages()).map(({ body }) => Buffer.from(body).toString())
}

test('at first all telemetry is stored, and no route is there', async () => {
  const hub = makeHub()
  assert.deepEqual(hub.routing.current.document, {
    routes: [],
    fallbackRoute: { isEnabled: true },
    enrichments: [],
  })
  await send(hub, 'a')
  assert.deepEqual(await stored(hub), ['a'])
})

test('a message that matches several routes is stored once; others take the fallback', async () => {
  const hub = makeHub()
  await hub.routing.putRoute('one', route("level = 'hot'"), undefined)
  await hub.routing.putRoute('two', route('true'), undefined)
  await send(hub, 'both', { application: { level: 'hot' } })
  await hub.routing.removeRoute('two', undefined)
  await send(hub, 'fallback')
  assert.deepEqual(await stored(hub), ['both', 'fallback'])
})

test('without a fallback, what no enabled route takes is acknowledged, counted, not stored', async () => {
  const hub = makeHub()
  const fallbackRoute = { isEnabled: false }
  const hot = { name: 'hot', ...route("level = 'hot'") }
  const off = { name: 'off', ...route('true', { isEnabled: false }) }
  await hub.routing.replace({ routes: [hot, off], fallbackRoute }, undefined)
  await send(hub, 'cold')
  await send(hub, 'hot', { application: { level: 'hot' } })
  const batch = [telemetry('cold'), telemetry('hot too', { application: { level: 'hot' } })]
  await hub.telemetry.acceptBatch(batch, CREDENTIAL)
  assert.deepEqual(await stored(hub), ['hot', 'hot too'])
  assert.deepEqual(hub.routing.router.counts, { unrouted: 2, tooLarge: 0 })
})

test('security messages go their own way, whatever the routes say', async () => {
  const hub = makeHub()
  await hub.routing.replace(
    {
      routes: [{ name: 'all', ...route('true') }],
      fallbackRoute: { isEnabled: false },
      enrichments: [{ key: 'plant', value: 'A', endpointNames: EVENTS }],
    },
    undefined,
  )
  const system = { interfaceId: SECURITY_INTERFACE_ID }
  await hub.telemetry.acceptBatch(
    [telemetry('security', { system }), telemetry('other')],
    CREDENTIAL,
  )
  assert.deepEqual(await stored(hub), ['other'])
  const [message] = await hub.messages('security')
  assert.deepEqual(message?.application, {})
})

test("the sender's own twin decides: the module's for a module", async () => {
  const hub = makeHub()
  const module = { ...PUMP, moduleId: 'm' }
  await hub.identities.createDevice('pump-1', {})
  await hub.identities.createModule(module, {})
  await hub.twins.patch(PUMP, { tags: { site: 'north' } })
  await hub.twins.patch(module, { tags: { site: 'south' } })
  await hub.routing.replace(
    {
      routes: [{ name: 'south', ...route("$twin.tags.site = 'south'") }],
      fallbackRoute: { isEnabled: false },
      enrichments: [{ key: 'site', value: '$twin.tags.site', endpointNames: EVENTS }],
    },
    undefined,
  )
  await send(hub, 'device')
  await send(hub, 'module', { ref: module })
  await send(hub, 'stranger', { ref: { deviceId: 'gone' } })
  const messages = await hub.messages()
  assert.deepEqual(
    messages.map(({ ref, application }) => [ref.moduleId, application.site]),
    [['m', 'south']],
  )
})

test('messages of a device keep their order while twins are read and the routing changes', async () => {
  const registry = new SlowRegistry()
  const hub = makeHub({ registry })
  const site = { key: 'site', value: '$twin.tags.site', endpointNames: EVENTS }
  await hub.routing.putEnrichment(site, undefined)
  const sent = ['a', 'b', 'c'].map((text) => send(hub, text))
  await hub.routing.removeEnrichment('site', undefined)
  sent.push(send(hub, 'd'), send(hub, 'e'))
  registry.answer()
  await Promise.all(sent)
  assert.deepEqual(await stored(hub), ['a', 'b', 'c', 'd', 'e'])
})

test('nothing of a twin is read unless a condition or an enrichment speaks of it', async () => {
  const registry = new SlowRegistry()
  const hub = makeHub({ registry })
  await hub.routing.putRoute('r', route("level = 'hot'"), undefined)
  // The fallback takes it anyway.
  await hub.routing.putRoute('t', route('$twin.tags.x = 1'), undefined)
  await send(hub, 'a')
  assert.equal(registry.finds, 0)
})

test('a change holds for the next message, and its etag guards the one after', async () => {
  const hub = makeHub()
  const first = await hub.routing.replace({ fallbackRoute: { isEnabled: false } }, undefined)
  await send(hub, 'lost')
  const second = await hub.routing.putRoute('r', route('true'), first.etag)
  await send(hub, 'kept')
  assert.notEqual(second.etag, first.etag)
  assert.deepEqual(second, hub.routing.current)
  const stale = { code: 'PreconditionFailed' }
  await assert.rejects(hub.routing.removeRoute('r', first.etag), stale)
  await assert.rejects(hub.routing.replace({}, first.etag), stale)
  await hub.routing.removeRoute('r', '*')
  assert.deepEqual(await stored(hub), ['kept'])
})

test('a change that is refused changes nothing', async () => {
  const hub = makeHub()
  await hub.routing.putRoute('r', route('true'), undefined)
  const before = hub.routing.current
  const refused: readonly (readonly [Promise<unknown>, RegExp])[] = [
    [hub.routing.putRoute('r', route('level ='), undefined), /Route 'r': .* character 8/],
    [hub.routing.putRoute('a b', route('true'), undefined), /1 to 64 letters, digits and - _ \./],
    [hub.routing.putRoute('x'.repeat(65), route('true'), undefined), /1 to 64/],
    [
      hub.routing.putRoute('r', route('true', { endpointNames: ['events', 'queue'] }), undefined),
      /there is no endpoint 'queue': this hub has 'events' only/,
    ],
    [
      hub.routing.putRoute('r', route('true', { endpointNames: [] }), undefined),
      /name the endpoint/,
    ],
    [
      hub.routing.putRoute('r', route('true', { source: 'DigitalTwinChangeEvents' }), undefined),
      /this hub has no DigitalTwinChangeEvents; take one of DeviceMessages, /,
    ],
    [
      hub.routing.putRoute('r', route('true', { source: 'x' }), undefined),
      /there is no source 'x'/,
    ],
    [hub.routing.removeRoute('s', undefined), /There is no route 's'/],
    [hub.routing.removeEnrichment('s', undefined), /There is no enrichment 's'/],
    [
      hub.routing.putEnrichment({ key: 'a/b', value: 'x', endpointNames: EVENTS }, undefined),
      /key of an enrichment/,
    ],
    [
      hub.routing.putEnrichment({ key: 'a', value: '', endpointNames: EVENTS }, undefined),
      /1 to 1024 characters/,
    ],
    [
      hub.routing.replace({ fallbackRoute: { condition: 'level = 1' } }, undefined),
      /its condition is true/,
    ],
    [
      hub.routing.replace({ endpoints: { eventHubs: [{ name: 'x' }] } }, undefined),
      /no custom endpoints here, such as those of eventHubs/,
    ],
    [
      hub.routing.replace(
        { routes: ['a', 'a'].map((name) => ({ name, ...route('') })) },
        undefined,
      ),
      /two routes 'a'/,
    ],
  ]
  for (const [promise, problem] of refused) await assert.rejects(promise, problem)
  assert.deepEqual(hub.routing.current, before)
})

test(`a hub has ${MAX_ROUTES} routes and ${MAX_ENRICHMENTS} enrichments at most`, async () => {
  const hub = makeHub()
  const routes = Array.from({ length: MAX_ROUTES }, (_, n) => ({ name: `r${n}`, ...route('') }))
  await hub.routing.replace({ routes }, undefined)
  await assert.rejects(hub.routing.putRoute('more', route(''), undefined), /100 routes/)
  await hub.routing.putRoute('r7', route('a = 1'), undefined)
  assert.equal(hub.routing.current.document.routes[7]?.condition, 'a = 1')
  for (let n = 0; n < MAX_ENRICHMENTS; n++) {
    const enrichment = { key: `k${n}`, value: 'x', endpointNames: EVENTS }
    await hub.routing.putEnrichment(enrichment, undefined)
  }
  const more = { key: 'more', value: 'x', endpointNames: EVENTS }
  await assert.rejects(hub.routing.putEnrichment(more, undefined), /10 enrichments/)
})

test('test: says which routes take a message, and what it would carry', async () => {
  const hub = makeHub()
  await hub.routing.replace(
    {
      routes: [
        { name: 'hot', ...route('$body.t > 30') },
        { name: 'north', ...route("$twin.tags.site = 'north'") },
        { name: 'changes', ...route('true', { source: 'TwinChangeEvents' }) },
      ],
      fallbackRoute: { isEnabled: false },
      enrichments: [{ key: 'site', value: '$twin.tags.site', endpointNames: EVENTS }],
    },
    undefined,
  )
  const systemProperties = { contentType: 'application/json', contentEncoding: 'utf-8' }
  const message = { body: '{"t":31}', appProperties: { a: '1' }, systemProperties }
  const twin = { tags: { site: 'north' } }
  assert.deepEqual(hub.routing.test({ message, twin }), {
    source: 'DeviceMessages',
    routes: ['hot', 'north'],
    endpointNames: EVENTS,
    isFallback: false,
    properties: { a: '1', site: 'north' },
  })
  const changes = hub.routing.test({ message, routingSource: 'TwinChangeEvents' })
  assert.deepEqual(changes.routes, ['changes'])
  const none = { source: 'DeviceMessages', routes: [], endpointNames: [], isFallback: false }
  assert.deepEqual(hub.routing.test({ message: {} }), none)
  assert.deepEqual(hub.routing.test({ message, condition: '$body.t < ' }), {
    ...none,
    fault: {
      message:
        "Route 'condition': The query is wrong at character 11: expected a value, found the end.",
      position: 11,
    },
  })
  assert.deepEqual(hub.routing.test({ message, condition: '$body.t < 50' }).routes, ['condition'])
  assert.throws(
    () => hub.routing.test({ message: { systemProperties: { colour: 'red' } } }),
    /'colour' is none of contentType/,
  )
  assert.deepEqual(await stored(hub), [])
})

test('what is stored counts at the next start', async () => {
  const hub = makeHub()
  await hub.routing.replace({ fallbackRoute: { isEnabled: false } }, undefined)
  const before = hub.routing.current
  await hub.routing.load()
  assert.deepEqual(hub.routing.current, before)
  await send(hub, 'lost')
  assert.deepEqual(await stored(hub), [])
})

test('what is too large with its enrichments is acknowledged and counted', async () => {
  const eventLog = new MemoryEventLog()
  const hub = makeHub({ eventLog })
  await hub.routing.putEnrichment({ key: 'k', value: 'v', endpointNames: EVENTS }, undefined)
  await send(hub, 'x'.repeat(256 * 1024))
  assert.deepEqual(hub.routing.router.counts, { unrouted: 0, tooLarge: 1 })
  assert.equal(eventLog.size('telemetry'), 0)
})

/** Finds nothing until it is told to, then everything at once. */
class SlowRegistry extends MemoryRegistry {
  finds = 0
  #answer: () => void = () => {}
  readonly #answered = new Promise<void>((resolve) => {
    this.#answer = resolve
  })

  override async find(): Promise<Entry | undefined> {
    this.finds++
    await this.#answered
    return undefined
  }

  answer(): void {
    this.#answer()
  }
}
