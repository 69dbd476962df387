import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { DEADLINE_MS, until } from '../hub.ts'
import { mqttSdk } from './device-sdk.ts'
import { deviceSdkPromises } from './device-sdk-promises.ts'

deviceSdkPromises(mqttSdk)

for (const ref of [{ deviceId: 'pump-1' }, { deviceId: 'pump-1', moduleId: 'app' }]) {
  const name = 'moduleId' in ref ? 'a module' : 'a device'

  test(`mqtt: ${name} is told of the first change after it subscribed`, async () => {
    await using hub = await mqttSdk.start()
    await using peer = await mqttSdk.connect(hub, ref)
    const twin = await peer.twin()
    const changed = once(twin, 'properties.desired.fan', {
      signal: AbortSignal.timeout(DEADLINE_MS),
    })
    await until(() => isSubscribed(hub.sessions.find(ref)), 'the subscription')
    await hub.twins.patch(ref, { desired: { fan: { rpm: 900 } } })
    assert.deepEqual(await changed, [{ rpm: 900 }])
    assert.equal(twin.properties.desired.$version, 2)
  })
}

function isSubscribed(session: unknown): boolean {
  return (session as { subscribed(kind: string): boolean }).subscribed('desired-changes')
}
