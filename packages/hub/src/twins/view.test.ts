import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Identity, JsonObject, TwinSection } from '@twinward/protocol'
import type { Entry } from '../registry/registry.ts'
import { emptySection, patchSection } from './patch.ts'
import { formatTime, serviceView } from './view.ts'

const BORN_MS = 1_767_225_600_000
const LATER_MS = BORN_MS + 1_500
const BORN = '2026-01-01T00:00:00.0000000Z'
const LATER = '2026-01-01T00:00:01.5000000Z'

const identity: Identity = {
  generationId: '1',
  etag: 7,
  status: 'disabled',
  statusReason: 'out of "order"',
  statusUpdatedTimeMs: LATER_MS,
  connectionStateUpdatedTimeMs: 0,
  lastActivityTimeMs: 0,
  authentication: { type: 'sas', primaryKey: 'cHJpbWFyeQ==', secondaryKey: 'c2Vjb25kYXJ5' },
  iotEdge: true,
  managedBy: '',
  modelId: 'dtmi:com:example:pump;1',
}

function entryOf(options: { moduleId?: string; desired?: TwinSection; tags?: JsonObject }): Entry {
  const { moduleId, desired = emptySection(BORN_MS), tags = {} } = options
  return {
    ref: { deviceId: 'pump', ...(moduleId !== undefined && { moduleId }) },
    identity,
    twin: { etag: 1, version: 2, tags, desired, reported: emptySection(BORN_MS) },
  }
}

function patched(patch: JsonObject): TwinSection {
  return patchSection(emptySection(BORN_MS), patch, LATER_MS, 32_768)
}

const parse = (text: string) => JSON.parse(text) as { [key: string]: JsonObject }

const nothing = { $metadata: { $lastUpdated: BORN, $lastUpdatedVersion: 1 }, $version: 1 }

test('serviceView: a device with its identity’s mirror and both sections', () => {
  assert.deepEqual(parse(serviceView(entryOf({ tags: { site: 'Køge' } }), true)), {
    deviceId: 'pump',
    etag: 'AAAAAAAAAAE=',
    modelId: 'dtmi:com:example:pump;1',
    deviceEtag: 'Nw==',
    status: 'disabled',
    statusReason: 'out of "order"',
    statusUpdateTime: LATER,
    connectionState: 'Connected',
    lastActivityTime: '0001-01-01T00:00:00Z',
    cloudToDeviceMessageCount: 0,
    authenticationType: 'sas',
    x509Thumbprint: { primaryThumbprint: null, secondaryThumbprint: null },
    version: 2,
    tags: { site: 'Køge' },
    properties: { desired: nothing, reported: nothing },
    capabilities: { iotEdge: true },
  })
})

test('serviceView: a module has its id and no capabilities', () => {
  const view = parse(serviceView(entryOf({ moduleId: 'a"b' }), false))
  assert.equal(view.moduleId, 'a"b')
  assert.equal(view.connectionState, 'Disconnected')
  assert.equal(Object.hasOwn(view, 'capabilities'), false)
})

test('serviceView: counts the messages that wait, for the same entry anew each time', () => {
  const entry = entryOf({})
  for (const count of [0, 3, 50]) {
    assert.equal(parse(serviceView(entry, true, count)).cloudToDeviceMessageCount, count)
  }
})

test('serviceView: never shows a key', () => {
  assert.doesNotMatch(serviceView(entryOf({}), true), /cHJpbWFyeQ|c2Vjb25kYXJ5/)
})

test('serviceView: every property has its metadata, whatever it is called', () => {
  const patch = JSON.parse('{"fan":{"rpm":900,"on":[1,{}]},"__proto__":"x","a\\"b":null,"é":false}')
  const { desired } =
    parse(serviceView(entryOf({ desired: patched(patch) }), true)).properties ?? {}
  const stamp = { $lastUpdated: LATER, $lastUpdatedVersion: 2 }
  const expected = {
    fan: { rpm: 900, on: [1, {}] },
    é: false,
    ['__proto__']: 'x',
    $metadata: {
      ...stamp,
      fan: { ...stamp, rpm: stamp, on: stamp },
      é: stamp,
      ['__proto__']: stamp,
    },
    $version: 2,
  }
  assert.deepEqual(desired, expected)
})

test('serviceView: a property keeps the time of its own last write', () => {
  const first = patchSection(emptySection(BORN_MS), { a: 1, b: 1 }, BORN_MS, 32_768)
  const desired = patchSection(first, { b: 2 }, LATER_MS, 32_768)
  const view = parse(serviceView(entryOf({ desired }), true))
  const shown = view.properties?.desired as JsonObject | undefined
  assert.deepEqual(shown?.$metadata, {
    $lastUpdated: LATER,
    $lastUpdatedVersion: 3,
    a: { $lastUpdated: BORN, $lastUpdatedVersion: 2 },
    b: { $lastUpdated: LATER, $lastUpdatedVersion: 3 },
  })
})

test('serviceView: shows a changed identity at once', () => {
  const entry = entryOf({})
  serviceView(entry, true)
  const changed: Entry = { ...entry, identity: { ...identity, status: 'enabled', etag: 8 } }
  const view = parse(serviceView(changed, true))
  assert.equal(view.status, 'enabled')
  assert.equal(view.deviceEtag, 'OA==')
})

test('formatTime: seven digits of a second, and IoT Hub’s never', () => {
  assert.equal(formatTime(LATER_MS), LATER)
  assert.equal(formatTime(0), '0001-01-01T00:00:00Z')
})
