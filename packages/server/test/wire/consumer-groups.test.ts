import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type HttpsHub, startHttpsHub } from '../https-hub.ts'

const PATH = '/api/events/consumer-groups'

let hub: HttpsHub
before(async () => {
  hub = await startHttpsHub()
})
after(() => hub[Symbol.asyncDispose]())

test('consumer groups: put, get, list and delete, whatever the case of the name', async () => {
  const created = await hub.call('PUT', `${PATH}/Analytics`)
  assert.equal(created.status, 200)
  const { name, createdTimeUtc } = created.body
  assert.equal(name, 'Analytics')
  assert.ok(Math.abs(Date.parse(createdTimeUtc) - Date.now()) < 60_000)
  assert.deepEqual((await hub.call('PUT', `${PATH}/ANALYTICS`)).body, created.body)
  assert.deepEqual((await hub.call('GET', `${PATH}/analytics`)).body, created.body)
  const { body: listed } = await hub.call('GET', PATH, { policy: 'service' })
  assert.deepEqual(listed.value, [
    { name: '$Default', createdTimeUtc: null },
    { name: '$security', createdTimeUtc: null },
    created.body,
  ])
  assert.equal((await hub.call('DELETE', `${PATH}/analytics`)).status, 204)
  assert.equal((await hub.call('DELETE', `${PATH}/analytics`)).status, 404)
  assert.equal((await hub.call('GET', `${PATH}/analytics`)).status, 404)
})

test('consumer groups: names that are none, too many and those that always exist', async () => {
  const wrong = await hub.call('PUT', `${PATH}/${encodeURIComponent('a b')}`)
  assert.deepEqual([wrong.status, wrong.headers['iothub-errorcode']], [400, 'ArgumentInvalid'])
  assert.equal((await hub.call('DELETE', `${PATH}/%24default`)).status, 400)
  for (let n = 0; n < 20; n++) {
    assert.equal((await hub.call('PUT', `${PATH}/group-${n}`)).status, 200)
  }
  const full = await hub.call('PUT', `${PATH}/one-more`)
  assert.deepEqual([full.status, full.headers['iothub-errorcode']], [403, 'IotHubQuotaExceeded'])
})

test('/api/events: the name, each partition and how many read', async () => {
  const ref = { deviceId: 'pump-1' }
  await hub.keyOf(ref)
  const before = await hub.call('GET', '/api/events', { policy: 'service' })
  assert.equal(before.body.name, hub.hostNames.hubName)
  assert.deepEqual(before.body.partitions[0], {
    ...{ partitionId: '0', beginSequenceNumber: 1, lastSequenceNumber: 0 },
    ...{ lastEnqueuedTimeUtc: null, isEmpty: true },
  })
  const credential = {
    ...{ generationId: '1', authMethod: '{}', expiresAtMs: Number.MAX_SAFE_INTEGER },
    identityEtag: 1,
  }
  const message = { ref, system: {}, application: {}, body: Buffer.from('x') }
  await hub.telemetry.accept(message, credential)
  const { body } = await hub.call('GET', '/api/events')
  const full = body.partitions.filter(({ isEmpty }: { isEmpty: boolean }) => !isEmpty)
  assert.equal(full.length, 1)
  assert.equal(full[0].lastSequenceNumber, 1)
  assert.ok(Math.abs(Date.parse(full[0].lastEnqueuedTimeUtc) - Date.now()) < 60_000)
  assert.equal(body.readerCount, 0)
})
