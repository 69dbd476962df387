import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@twinward/protocol'
import { TestClock } from '../../test/clock.ts'
import { makeHub } from '../../test/hub.ts'
import { digitalTwinView } from './digital-twin.ts'
import { patchDigitalTwin } from './digital-twins.ts'

const PUMP = { deviceId: 'pump-1' }
const T0 = '2026-01-01T00:00:00.0000000Z'
const T1 = '2026-01-01T00:00:01.0000000Z'

async function viewAfter(desired: JsonObject, reported: JsonObject): Promise<JsonObject> {
  const clock = new TestClock()
  const hub = makeHub({ clock })
  await hub.keyOf(PUMP)
  await hub.twins.patch(PUMP, { desired })
  clock.advance(1000)
  await hub.twins.updateReported(PUMP, reported)
  return digitalTwinView(await hub.twins.get(PUMP))
}

test('digitalTwinView: a device without properties has its id and an empty model', async () => {
  assert.deepEqual(await viewAfter({}, {}), { $dtId: 'pump-1', $metadata: { $model: '' } })
})

test('digitalTwinView: reported properties are at the root with the time of their update', async () => {
  assert.deepEqual(await viewAfter({}, { serial: '7', place: { lat: 1 } }), {
    $dtId: 'pump-1',
    serial: '7',
    place: { lat: 1 },
    $metadata: {
      $model: '',
      serial: { lastUpdateTime: T1 },
      place: { lastUpdateTime: T1 },
    },
  })
})

test('digitalTwinView: a desired property shows its value and version in the metadata', async () => {
  assert.deepEqual(await viewAfter({ rpm: 900 }, {}), {
    $dtId: 'pump-1',
    $metadata: {
      $model: '',
      rpm: { desiredValue: 900, desiredVersion: 2, lastUpdateTime: T0 },
    },
  })
})

test('digitalTwinView: an acknowledgement is unwrapped, in components too', async () => {
  const ack = { value: 850, ac: 200, av: 2, ad: 'done' }
  const desired = { pump: { __t: 'c', rpm: 900 } }
  const reported = { pump: { __t: 'c', rpm: ack, serial: '7' } }
  assert.deepEqual(await viewAfter(desired, reported), {
    $dtId: 'pump-1',
    pump: {
      rpm: 850,
      serial: '7',
      $metadata: {
        rpm: {
          desiredValue: 900,
          desiredVersion: 2,
          ackVersion: 2,
          ackCode: 200,
          ackDescription: 'done',
          lastUpdateTime: T1,
        },
        serial: { lastUpdateTime: T1 },
      },
    },
    $metadata: { $model: '' },
  })
})

test('patchDigitalTwin: a write in between does not undo it, nor is it undone', async () => {
  const hub = makeHub()
  await hub.keyOf(PUMP)
  const add = (path: string) =>
    patchDigitalTwin(hub.twins, PUMP, [{ op: 'add', path, value: 1 }], '*')
  await Promise.all(['/pump/a', '/pump/b', '/c'].map(add))
  const { twin } = await hub.twins.get(PUMP)
  assert.deepEqual(twin.desired.values, { pump: { __t: 'c', a: 1, b: 1 }, c: 1 })
  assert.equal(twin.desired.version, 4)
})
