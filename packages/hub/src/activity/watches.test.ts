import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeviceRef } from '@twinward/protocol'
import { TestClock } from '../../test/clock.ts'
import { makeHub } from '../../test/hub.ts'
import { InProcessBus } from '../adapters/memory/bus.ts'
import { silentLog } from '../log.ts'
import { AddressWatch, RETURN_WINDOW_MS } from './address-watch.ts'
import type { AuditEntry } from './audit-event.ts'
import { ConnectedDevices } from './connected-devices.ts'

const pump: DeviceRef = { deviceId: 'pump-1' }

function watchAddresses() {
  const clock = new TestClock()
  const bus = new InProcessBus(silentLog)
  const noted: AuditEntry[] = []
  new AddressWatch({ bus, clock, audit: { note: (entry) => noted.push(entry) } })
  const connect = (address: string, ref = pump) =>
    bus.publish({ kind: 'session-opened', ref, address })
  return { clock, noted, connect }
}

test('an identity that goes back and forth between two addresses is told of', () => {
  const { clock, noted, connect } = watchAddresses()
  for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.1']) {
    connect(address)
    clock.advance(1000)
  }
  assert.deepEqual(
    noted.map(({ kind, ref, detail }) => [kind, ref, detail]),
    [['connection.addresses', pump, '192.0.2.2 and 192.0.2.1 in turn']],
  )
})

test('a device that roams, or comes back late, or another identity, is none', () => {
  const { clock, noted, connect } = watchAddresses()
  for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) connect(address)
  connect('192.0.2.1', { ...pump, moduleId: 'agent' })
  clock.advance(RETURN_WINDOW_MS + 1)
  connect('192.0.2.2')
  assert.deepEqual(noted, [])
})

test('connected since: a take-over is no pause, a reconnect is, modules count', () => {
  const clock = new TestClock()
  const bus = new InProcessBus(silentLog)
  const connected = new ConnectedDevices({ bus, clock })
  const startMs = clock.now()
  bus.publish({ kind: 'session-opened', ref: pump })
  bus.publish({ kind: 'session-opened', ref: { deviceId: 'mill', moduleId: 'agent' } })
  clock.advance(1000)
  bus.publish({ kind: 'session-opened', ref: pump })
  assert.deepEqual(connected.since(startMs), ['pump-1', 'mill'])
  bus.publish({ kind: 'session-closed', ref: { deviceId: 'mill', moduleId: 'agent' } })
  bus.publish({ kind: 'session-opened', ref: { deviceId: 'mill' } })
  assert.deepEqual(connected.since(startMs), ['pump-1'])
  assert.deepEqual(connected.since(startMs + 1000), ['pump-1', 'mill'])
})

test('a refused connection: of an identity of ours by its reason, of a stranger without a name', async () => {
  const hub = makeHub({ clock: new TestClock() })
  await hub.keyOf(pump)
  const refuse = async (ref: DeviceRef, token: string) => {
    const thrown = await hub.authenticator.connect(ref, { token }).catch((error) => error)
    await hub.activity.refusals.refused(ref, thrown, '192.0.2.9')
  }
  const resource = 'localhost%2Fdevices%2Fpump-1'
  const soon = Math.floor(hub.clock.now() / 1000) + 600
  await refuse(pump, `SharedAccessSignature sr=${resource}&sig=AAAA&se=${soon}`)
  await refuse(pump, `SharedAccessSignature sr=${resource}&sig=AAAA&se=1000`)
  await refuse(pump, 'nonsense')
  await refuse({ deviceId: 'nobody' }, `SharedAccessSignature sr=${resource}&sig=AAAA&se=${soon}`)
  await hub.activity.refusals.refused(pump, new Error('a bug'), '192.0.2.9')
  const events = await hub.activity.audit.read(0, 10)
  assert.deepEqual(
    events.map(({ reason, ref, address }) => [reason, ref?.deviceId, address]),
    [
      ['sasSignature', 'pump-1', '192.0.2.9'],
      ['sasExpired', 'pump-1', '192.0.2.9'],
      ['other', 'pump-1', '192.0.2.9'],
      ['unknownIdentity', undefined, '192.0.2.9'],
    ],
  )
  assert.ok(events.every(({ isConnected }) => isConnected !== true))
})
