import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Enrollment, EnrollmentKind, Registration } from '../../src/provisioning/enrollment.ts'
import type { EnrollmentStore } from '../../src/provisioning/enrollment-store.ts'

const MANY = 100

/** What every EnrollmentStore must do. Each adapter's test calls this with a way to open an empty one. */
export function enrollmentStoreContract(open: () => Promise<EnrollmentStore>): void {
  test('find: an enrolment comes back as it was stored, by its id in any case, of its kind', async () => {
    const store = await open()
    const one = enrollment('individual', 'Pump-1')
    assert.equal(await store.insert(one, MANY), 'inserted')
    assert.deepEqual(await store.find('individual', 'pump-1'), one)
    assert.equal(await store.find('group', 'Pump-1'), undefined)
  })

  test('insert: an id in any case is taken once in its kind', async () => {
    const store = await open()
    await store.insert(enrollment('individual', 'pump'), MANY)
    assert.equal(await store.insert(enrollment('individual', 'PUMP'), MANY), 'taken')
    assert.equal(await store.insert(enrollment('group', 'pump'), MANY), 'inserted')
  })

  test('insert: of many at once no more than the limit of a kind come in; removing makes room', async () => {
    const store = await open()
    await store.insert(enrollment('individual', 'other'), MANY)
    const all = Array.from({ length: 5 }, (_, n) => enrollment('group', `g${n}`))
    const outcomes = await Promise.all(all.map((one) => store.insert(one, 3)))
    assert.deepEqual([...outcomes].sort(), ['full', 'full', 'inserted', 'inserted', 'inserted'])
    const [first] = await store.list('group', 1)
    assert.ok(first)
    assert.equal(await store.insert(first, 3), 'taken', 'a taken id is told before the limit')
    assert.equal(await store.remove('group', first.id, first.etag), true)
    assert.equal(await store.insert(enrollment('group', 'new'), 3), 'inserted')
  })

  test('replace, remove: only with the etag; of many writers one wins', async () => {
    const store = await open()
    const first = enrollment('group', 'plant')
    await store.insert(first, MANY)
    const writers = ['a', 'b', 'c'].map((etag) => store.replace({ ...first, etag }, first.etag))
    assert.deepEqual([...(await Promise.all(writers))].sort(), [false, false, true])
    assert.equal(await store.remove('group', 'plant', first.etag), false)
    const { etag } = (await store.find('group', 'plant')) ?? first
    assert.equal(await store.remove('group', 'PLANT', etag), true)
    assert.equal(await store.find('group', 'plant'), undefined)
    assert.equal(await store.replace(first, etag), false)
  })

  test('list: pages in the order of ids without regard to case', async () => {
    const store = await open()
    for (const id of ['b', 'A', 'D', 'c', 'a_1', 'a-1']) {
      await store.insert(enrollment('individual', id), MANY)
    }
    const first = await store.list('individual', 4)
    assert.deepEqual(ids(first), ['A', 'a-1', 'a_1', 'b'])
    assert.deepEqual(ids(await store.list('individual', 4, 'B')), ['c', 'D'])
  })

  test('registrations: saved for an enrolment that exists, replaced, listed, removed by etag', async () => {
    const store = await open()
    const plant = enrollment('group', 'plant')
    await store.insert(plant, MANY)
    assert.equal(await store.saveRegistration(registration('pump-1', 'nobody')), false)
    assert.equal(await store.findRegistration('pump-1'), undefined)
    for (const id of ['pump-2', 'PUMP-1']) {
      assert.equal(await store.saveRegistration(registration(id, 'Plant')), true)
    }
    const next = { ...registration('pump-1', 'plant'), etag: 'second' }
    assert.equal(await store.saveRegistration(next), true)
    assert.deepEqual(await store.findRegistration('Pump-1'), next)
    const listed = await store.listRegistrations({ kind: 'group', id: 'PLANT' }, 10)
    assert.deepEqual(
      listed.map(({ registrationId }) => registrationId),
      ['pump-1', 'pump-2'],
    )
    const second = await store.listRegistrations(plant, 10, 'pump-1')
    assert.equal(second.length, 1)
    assert.equal(await store.removeRegistration('pump-1', 'first'), false)
    assert.equal(await store.removeRegistration('pump-1', 'second'), true)
    assert.equal(await store.findRegistration('pump-1'), undefined)
  })

  test('remove: an enrolment takes its registrations with it, and no others', async () => {
    const store = await open()
    const plant = enrollment('group', 'plant')
    await store.insert(plant, MANY)
    await store.insert(enrollment('individual', 'plant'), MANY)
    await store.saveRegistration(registration('pump-1', 'plant'))
    const own = {
      ...registration('plant', 'plant'),
      enrollment: { kind: 'individual', id: 'plant' },
    }
    await store.saveRegistration(own as Registration)
    await store.remove('group', 'plant', plant.etag)
    assert.equal(await store.findRegistration('pump-1'), undefined)
    assert.ok(await store.findRegistration('plant'))
  })
}

function ids(enrollments: readonly Enrollment[]): readonly string[] {
  return enrollments.map(({ id }) => id)
}

export function enrollment(kind: EnrollmentKind, id: string): Enrollment {
  return {
    kind,
    id,
    etag: `etag of ${id}`,
    createdMs: 1_767_225_600_000,
    updatedMs: 1_767_225_600_001,
    settings: {
      deviceId: null,
      attestation: { type: 'symmetricKey', primaryKey: 'a2V5', secondaryKey: 'a2V5' },
      isEnabled: true,
      allocationPolicy: 'hashed',
      iotHubHostName: null,
      iotHubs: null,
      updateHubAssignment: true,
      migrateDeviceData: true,
      iotEdge: false,
      initialTwin: { tags: { site: 'Ä' }, desired: {} },
    },
  }
}

function registration(registrationId: string, group: string): Registration {
  return {
    registrationId,
    enrollment: { kind: 'group', id: group },
    status: 'assigned',
    deviceId: registrationId,
    assignedHub: 'hub.example.net',
    operationId: '5.1.2',
    etag: 'first',
    createdMs: 1,
    updatedMs: 2,
    error: null,
  }
}
