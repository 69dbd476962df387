import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError, type JsonObject, MAX_MESSAGE_BYTES, type Twin } from '@twinward/protocol'
import { message } from '../../test/contracts/event-log.ts'
import type { StampedMessage } from '../messages/event-log.ts'
import { emptySection } from '../twins/patch.ts'
import { DEFAULT_ROUTING, type Enrichment, toDocument } from './routing-document.ts'
import { compileRouting, matchingRoutes, routeMessage } from './routing-table.ts'

const JSON_SYSTEM = { contentType: 'application/json', contentEncoding: 'utf-8' }

/** Whether a telemetry route with that condition takes the message. */
function takes(condition: string, sent: StampedMessage, twin?: Twin): boolean {
  const route = { name: 'r', source: 'Telemetry', condition, endpointNames: ['events'] }
  const table = compileRouting(toDocument({ routes: [route] }))
  return matchingRoutes(table, sent, twin).length === 1
}

function json(body: unknown, system: StampedMessage['system'] = JSON_SYSTEM): StampedMessage {
  return message({ system, body: Buffer.from(JSON.stringify(body)) })
}

function twinOf(parts: { tags?: JsonObject; desired?: JsonObject; reported?: JsonObject }): Twin {
  const section = emptySection(0)
  return {
    ...{ etag: 1, version: 1, tags: parts.tags ?? {} },
    desired: { ...section, values: parts.desired ?? {} },
    reported: { ...section, values: parts.reported ?? {} },
  }
}

function enriched(enrichments: readonly Enrichment[], sent: StampedMessage, twin?: Twin) {
  const table = compileRouting({ ...DEFAULT_ROUTING, enrichments })
  return routeMessage(table, sent, { twin, hubName: 'hub' })
}

const add = (key: string, value: string): Enrichment => ({ key, value, endpointNames: ['events'] })

test('a condition reads the body: members, elements, whatever stands in them', () => {
  const sent = json({ Weather: { t: [21.5, { unit: 'C' }] }, ok: true, 'odd name': null })
  const conditions: readonly (readonly [string, boolean])[] = [
    ['$body.Weather.t[0] = 21.5', true],
    ["$body.Weather.t[1].unit = 'C'", true],
    ['$body.Weather.t[2] = 1', false],
    ['IS_DEFINED($body.Weather.t[1].unit)', true],
    ['IS_DEFINED($body.Weather.t[1][0])', false],
    ['IS_ARRAY($body.Weather.t)', true],
    ['$body.ok', true],
    ['$body.weather.t[0] = 21.5', false],
    ['$BODY.ok', true],
    ['IS_NULL($body.[[odd name]])', true],
    ['IS_OBJECT($body)', true],
    ['$body.__proto__', false],
  ]
  for (const [condition, expected] of conditions) {
    assert.equal(takes(condition, sent), expected, condition)
  }
})

test('a body is read only when it says that it is JSON, in an encoding that is known', () => {
  const text = '{"t":"°"}'
  const utf16 = Buffer.from(text, 'utf16le')
  const toUtf32 = (of: string) => {
    const words = [...of].map((character) => character.codePointAt(0) ?? 0)
    const bytes = Buffer.alloc(words.length * 4)
    for (const [at, word] of words.entries()) bytes.writeUInt32LE(word, at * 4)
    return bytes
  }
  const utf32 = toUtf32(text)
  const bodies: readonly (readonly [StampedMessage['system'], Uint8Array, boolean])[] = [
    [
      { contentType: 'Application/JSON; charset=x', contentEncoding: 'UTF-8' },
      Buffer.from(text),
      true,
    ],
    [{ ...JSON_SYSTEM, contentEncoding: 'utf-16' }, utf16, true],
    [{ ...JSON_SYSTEM, contentEncoding: 'utf-16' }, Buffer.from(`\ufeff${text}`, 'utf16le'), true],
    [
      { ...JSON_SYSTEM, contentEncoding: 'utf-16' },
      Buffer.from(`\ufeff${text}`, 'utf16le').swap16(),
      true,
    ],
    [{ ...JSON_SYSTEM, contentEncoding: 'utf-32' }, utf32, true],
    [{ ...JSON_SYSTEM, contentEncoding: 'utf-32' }, utf32.subarray(1), false],
    [{ ...JSON_SYSTEM, contentEncoding: 'utf-32' }, toUtf32(`\ufeff${text}`), true],
    [{ ...JSON_SYSTEM, contentEncoding: 'utf-32' }, toUtf32(`\ufeff${text}`).swap32(), true],
    [{ contentType: 'application/json' }, Buffer.from(text), false],
    [{ contentEncoding: 'utf-8' }, Buffer.from(text), false],
    [{ contentType: 'text/plain', contentEncoding: 'utf-8' }, Buffer.from(text), false],
    [JSON_SYSTEM, utf16, false],
    [JSON_SYSTEM, Buffer.from('{"t":'), false],
    [JSON_SYSTEM, Buffer.alloc(0), false],
    [JSON_SYSTEM, Buffer.from(`${'['.repeat(100_000)}`), false],
  ]
  for (const [system, body, expected] of bodies) {
    const sent = message({ system, body })
    assert.equal(takes("$body.t = '°'", sent), expected, JSON.stringify(system))
  }
})

test('a condition reads application and system properties, bare or with $', () => {
  const sent = message({
    ref: { deviceId: 'pump-1', moduleId: 'm' },
    application: { level: 'hot', limit: '30', 'a.b': 'dotted', contentType: 'mine', none: null },
    system: { ...JSON_SYSTEM, messageId: 'm-1' },
  })
  const conditions: readonly (readonly [string, boolean])[] = [
    ["level = 'hot'", true],
    ["Level = 'hot'", false],
    ['limit = 30', false],
    ['as_number(limit) >= 30', true],
    ["a.b = 'dotted'", true],
    ["contentType = 'mine'", true],
    ["$contentType = 'application/json'", true],
    ["$CONTENTENCODING = 'utf-8'", true],
    ["connectionDeviceId = 'pump-1' AND $connectionModuleId = 'm'", true],
    ["$iothub-connection-device-id = 'pump-1'", true],
    ["$iothub-message-source = 'Telemetry'", true],
    ['IS_NULL(none)', true],
    ['IS_DEFINED(absent)', false],
    ['IS_DEFINED($userId)', false],
    ["level || '-' || $messageId = 'hot-m-1'", true],
    ['IS_DEFINED(level || 1)', false],
    ["(absent ?? level) = 'hot'", true],
    ["absent ?? level = 'hot'", true],
    ['level = 1 ?? true', false],
    ['IS_NULL(none ?? level)', true],
    ["NOT level = 'cold'", true],
  ]
  for (const [condition, expected] of conditions) {
    assert.equal(takes(condition, sent), expected, condition)
  }
})

test("a condition reads the sender's twin, and a sender without one has nothing there", () => {
  const twin = twinOf({
    tags: { site: { floor: 2 } },
    desired: { mode: 'eco' },
    reported: { list: [1, 2] },
  })
  const condition =
    "$twin.tags.site.floor = 2 AND $twin.properties.desired.mode = 'eco' AND " +
    '$twin.Properties.Reported.list[1] = 2'
  assert.equal(takes(condition, message(), twin), true)
  assert.equal(takes(condition, message(), undefined), false)
  assert.equal(takes('NOT IS_DEFINED($twin.tags)', message(), undefined), true)
})

test('a wrong condition names its route and the character', () => {
  const faults: readonly (readonly [string, number, RegExp])[] = [
    ['level = ', 9, /expected a value/],
    ['$body.x[a] = 1', 9, /the number of an element/],
    ['$nothing = 1', 1, /there is no system property \$nothing/],
    ['1 = 1 AND $twin.foo = 1', 11, /\$twin has tags/],
    ['$twin.properties.desired.$version = 1', 1, /\$version and \$metadata/],
    ['level[0] = 1', 1, /only \$body has elements/],
    ['level ? 1', 7, /no meaning here/],
    ['$contentType.x = 1', 1, /has no members/],
  ]
  for (const [condition, position, problem] of faults) {
    assert.throws(
      () => takes(condition, message()),
      (error) => {
        assert.ok(error instanceof HubError)
        assert.equal(error.code, 'ArgumentInvalid')
        assert.match(
          error.message,
          new RegExp(`^Route 'r': .* at character ${position}: `),
          condition,
        )
        assert.match(error.message, problem)
        assert.deepEqual(error.info, { position })
        return true
      },
    )
  }
})

test('enrichments: constants, the name of the hub and the twin; what is missing stays as text', () => {
  const twin = twinOf({ tags: { site: 'north', n: 5, o: { a: [true] } } })
  const enrichments = [
    add('plant', 'A 1'),
    add('hub', '$iothubname'),
    add('site', '$twin.tags.site'),
    add('n', '$twin.tags.n'),
    add('o', '$twin.tags.o'),
    add('gone', '$twin.properties.reported.gone'),
    add('level', 'enriched'),
    add('__proto__', 'p'),
  ]
  const routed = enriched(enrichments, message(), twin)
  assert.ok(routed.outcome === 'stored')
  assert.deepEqual(Object.entries(routed.message.application), [
    ['level', 'enriched'],
    ['plant', 'A 1'],
    ['hub', 'hub'],
    ['site', 'north'],
    ['n', '5'],
    ['o', '{"a":[true]}'],
    ['gone', '$twin.properties.reported.gone'],
    ['__proto__', 'p'],
  ])
  const alone = enriched([add('site', '$twin.tags.site')], message(), undefined)
  assert.ok(alone.outcome === 'stored')
  assert.equal(alone.message.application.site, '$twin.tags.site')
})

test('enrichments: what the hub says in its own events stays', () => {
  const enrichments = [add('opType', 'forged'), add('plant', 'A')]
  const table = compileRouting({
    ...toDocument({
      routes: [{ name: 'r', source: 'TwinChangeEvents', endpointNames: ['events'] }],
    }),
    enrichments,
  })
  const event = message({ source: 'twinChangeEvents', application: { opType: 'updateTwin' } })
  const routed = routeMessage(table, event, { twin: undefined, hubName: 'hub' })
  assert.ok(routed.outcome === 'stored')
  assert.deepEqual({ ...routed.message.application }, { opType: 'updateTwin', plant: 'A' })
})

test('enrichments: a message that grows over 256 KiB is not stored', () => {
  const system = {}
  const room = message({ system, application: {}, body: new Uint8Array(MAX_MESSAGE_BYTES - 6) })
  assert.equal(enriched([add('plant', 'A')], room).outcome, 'stored')
  assert.equal(enriched([add('plant', 'AB')], room).outcome, 'too-large')
})

test('enrichments: after $twin only a path may stand', () => {
  for (const value of ['$twin', '$twin.foo', '$twin.tags.a = 1', '$twin.tags.a || "x"', '$twin.']) {
    assert.throws(
      () => enriched([add('k', value)], message()),
      /^HubError: Enrichment 'k': /,
      value,
    )
  }
  assert.equal(enriched([add('k', '$twins')], message()).outcome, 'stored')
})
