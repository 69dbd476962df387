import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@twinward/protocol'
import { detectionWorld } from '../../test/detection-world.ts'

const STICK = {
  ...{ kind: 'usb', bus: '1', class: '8', subclass: '6', protocol: '80' },
  ...{ vendorId: '0951', productId: '1666' },
}

async function open() {
  const { clock, sendEvents, alerts } = await detectionWorld()
  const startMs = clock.now()
  /** `at`: minutes after the beginning. */
  const plug = (at: number, detail: JsonObject) =>
    sendEvents('Peripheral', [{ ...STICK, ...detail }], {
      era: 'micro',
      timeMs: startMs + at * 60_000,
    })
  const missing = async (alertType = 'IoT_UsbDisconnection') =>
    (await alerts()).filter((alert) => alert.alertType === alertType)
  return { plug, missing }
}

test('hardware that is pulled out and comes back: its alert resolves itself, once', async () => {
  const { plug, missing } = await open()
  await plug(0, { action: 'Disconnect' })
  assert.equal((await missing())[0]?.status, 'Active')
  await plug(1, { action: 'Connect' })
  const [ended] = await missing()
  assert.deepEqual(
    [ended?.status, ended?.history.at(-1)?.by, ended?.history.at(-1)?.note],
    ['Resolved', 'engine', 'The same hardware is connected again.'],
  )
  await plug(2, { action: 'Connect' })
  assert.equal((await missing())[0]?.history.length, 2)
  await plug(3, { action: 'Disconnect' })
  assert.deepEqual((await missing()).map(({ status }) => status).sort(), ['Active', 'Resolved'])
})

test('other hardware in the same place, other places and earlier times resolve nothing', async () => {
  const { plug, missing } = await open()
  await plug(5, { action: 'Disconnect' })
  await plug(6, { action: 'Connect', productId: '9999' })
  await plug(6, { action: 'Connect', bus: '2' })
  await plug(4, { action: 'Connect' })
  assert.equal((await missing())[0]?.status, 'Active')
})

test('a network interface that has a link again resolves its alert', async () => {
  const { plug, missing } = await open()
  const eth = { kind: 'ethernet', interface: 'eth0', vendorId: '', productId: '' }
  await plug(0, { ...eth, action: 'Disconnect' })
  await plug(1, { ...eth, interface: 'eth1', action: 'Connect' })
  assert.equal((await missing('IoT_EthernetDisconnection'))[0]?.status, 'Active')
  await plug(1, { ...eth, action: 'Connect' })
  assert.equal((await missing('IoT_EthernetDisconnection'))[0]?.status, 'Resolved')
})
