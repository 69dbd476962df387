import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { deriveKey } from '../../../hub/src/provisioning/attestation.ts'
import {
  GROUP_KEY,
  ID_SCOPE,
  OTHER_KEY,
  registrationToken,
} from '../../../hub/test/provisioning.ts'
import { type HttpsHub, startHttpsHub } from '../https-hub.ts'

// The provisioning service over HTTPS (11 §3.2), byte by byte where SDKs differ, and its service API.

const POLICY = 'provisioningserviceowner'
let hub: HttpsHub
before(async () => {
  hub = await startHttpsHub()
})
after(() => hub[Symbol.asyncDispose]())

const keys = { symmetricKey: { primaryKey: GROUP_KEY, secondaryKey: OTHER_KEY } }
const attestation = { type: 'symmetricKey', ...keys }

function ask(method: string, path: string, body?: unknown, headers = {}) {
  return hub.call(method, path, { body, headers, policy: POLICY })
}

async function enrol(registrationId: string, settings: object = {}) {
  const body = { registrationId, attestation, ...settings }
  const answer = await ask('PUT', `/enrollments/${registrationId}`, body)
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  return answer.body
}

function asDevice(method: string, registrationId: string, below = '', call: object = {}) {
  const path = `/${ID_SCOPE}/registrations/${registrationId}${below}?api-version=2019-03-31`
  const token = registrationToken(registrationId, GROUP_KEY)
  return hub.call(method, path, { token, ...call })
}

test('register: 202 with the result at once, and how long to wait; the operation tells it again', async () => {
  await enrol('reg-1', { deviceId: 'pump-1' })
  const { status, headers, body } = await asDevice('PUT', 'reg-1', '/register', {
    body: { registrationId: 'reg-1', payload: { any: 'thing' } },
  })
  assert.deepEqual([status, headers['retry-after']], [202, '3'])
  const { registrationState, operationId, ...rest } = body
  assert.deepEqual(rest, { status: 'assigned' })
  assert.match(operationId, /^5\.[0-9a-f]{16}\.[0-9a-f-]{36}$/)
  const { createdDateTimeUtc, lastUpdatedDateTimeUtc, etag, ...state } = registrationState
  assert.deepEqual(state, {
    registrationId: 'reg-1',
    assignedHub: 'localhost',
    deviceId: 'pump-1',
    status: 'assigned',
    substatus: 'initialAssignment',
    payload: null,
  })
  assert.match(createdDateTimeUtc, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/)
  assert.equal(lastUpdatedDateTimeUtc, createdDateTimeUtc)
  assert.ok(etag)
  const result = await asDevice('GET', 'reg-1', `/operations/${operationId}`)
  assert.deepEqual([result.status, result.body], [200, body])
  const other = await asDevice('GET', 'reg-1', '/operations/5.0.x')
  assert.deepEqual([other.status, other.body.errorCode], [404, 404202])
})

test('the C security agent: POST, an empty skn, a body that ends with a NUL; assigned at once', async () => {
  await enrol('reg-c')
  const body = Buffer.from('{"registrationId":"reg-c"}\0')
  const token = registrationToken('reg-c', GROUP_KEY, { policy: '' })
  const before = await asDevice('POST', 'reg-c', '', { token, body })
  assert.deepEqual([before.status, before.body.message], [404, 'Registration not found.'])
  await asDevice('PUT', 'reg-c', '/register')
  const first = await asDevice('POST', 'reg-c', '', { token, body })
  assert.equal(first.status, 200)
  const { status, assignedHub, deviceId } = first.body
  assert.deepEqual([status, assignedHub, deviceId], ['assigned', 'localhost', 'reg-c'])
  await asDevice('PUT', 'reg-c', '/register')
  const again = await asDevice('POST', 'reg-c', '', { token, body })
  assert.equal(again.body.lastUpdatedDateTimeUtc, first.body.lastUpdatedDateTimeUtc)
})

test('what is refused is refused alike: unknown, wrong key, other scope, nothing, disabled, TPM', async () => {
  await enrol('reg-2')
  await enrol('reg-off', { provisioningStatus: 'disabled' })
  const wrong = deriveKey(GROUP_KEY, 'x')
  const answers = await Promise.all([
    asDevice('PUT', 'nobody', '/register'),
    ...['reg-2', 'reg-off'].map((id) =>
      asDevice('PUT', id, '/register', { token: registrationToken(id, wrong) }),
    ),
    asDevice('POST', 'nobody'),
    asDevice('GET', 'nobody', '/operations/5.1.2'),
    asDevice('PUT', 'reg-2', '/register', { token: null }),
    asDevice('PUT', 'reg-2', '/register', {
      token: null,
      body: { registrationId: 'reg-2', tpm: { endorsementKey: 'AA==', storageRootKey: 'AA==' } },
    }),
    hub.call('PUT', '/0ne00000009/registrations/reg-2/register', {
      token: registrationToken('reg-2', GROUP_KEY, { idScope: '0ne00000009' }),
    }),
  ])
  const shapes = answers.map(({ status, body: { trackingId, timestampUtc, ...body }, headers }) => {
    assert.ok(trackingId && timestampUtc)
    return JSON.stringify([status, headers['iothub-errorcode'], body])
  })
  assert.equal(new Set(shapes).size, 1, shapes.join('\n'))
  assert.equal(answers[0]?.body.errorCode, 401002)
  assert.match(answers[0]?.body.message, /TPM attestation is not served/)
  const { body } = await asDevice('PUT', 'reg-off', '/register')
  assert.deepEqual([body.status, body.registrationState.assignedHub], ['disabled', undefined])
})

test('register: a body of another device, no JSON or too large is refused', async () => {
  await enrol('reg-3')
  for (const [body, status] of [
    [{ registrationId: 'reg-4' }, 400],
    ['{', 400],
    ['[]', 400],
    [Buffer.from([0xff]), 400],
    ['x'.repeat(64 * 1024 + 1), 413],
  ] as const) {
    const answer = await asDevice('PUT', 'reg-3', '/register', { body })
    assert.equal(answer.status, status, String(body).slice(0, 20))
    assert.equal(typeof answer.body.errorCode, 'number')
  }
})

test('an address that is refused too often gets 429 and how long to wait; the API stays open', async () => {
  await using other = await startHttpsHub()
  const path = `/${ID_SCOPE}/registrations/x/register`
  for (let n = 0; n < 100; n += 20) {
    await Promise.all(Array.from({ length: 20 }, () => other.call('PUT', path, { token: null })))
  }
  const statuses: number[] = []
  // It gets two attempts back in a second, however fast this runs.
  for (let n = 0; n < 300 && statuses.at(-1) !== 429; n++) {
    const { status, headers } = await other.call('PUT', path, { token: null })
    statuses.push(status)
    if (status === 429) assert.equal(headers['retry-after'], '3')
  }
  assert.equal(statuses.at(-1), 429)
  assert.equal((await other.call('GET', '/devices')).status, 200)
})

test('enrollments: create once; update, delete and attestation by etag; keys are shown to writers', async () => {
  const created = await enrol('reg-5')
  const again = await ask('PUT', '/enrollments/REG-5', { registrationId: 'reg-5', attestation })
  assert.deepEqual([again.status, again.body.errorCode], [409, 409000])
  const shown = await ask('GET', '/enrollments/reg-5')
  assert.equal(shown.headers.etag, `"${created.etag}"`)
  assert.deepEqual(shown.body.attestation, { type: 'symmetricKey' })
  const next = { ...shown.body, provisioningStatus: 'disabled' }
  const stale = await ask('PUT', '/enrollments/reg-5', next, { 'if-match': '"AAAA"' })
  assert.equal(stale.status, 412)
  const updated = await ask('PUT', '/enrollments/reg-5', next, { 'if-match': created.etag })
  assert.deepEqual([updated.status, updated.body.provisioningStatus], [200, 'disabled'])
  assert.notEqual(updated.body.etag, created.etag)
  assert.deepEqual(updated.body.attestation, attestation)
  const mechanism = await ask('POST', '/enrollments/reg-5/attestationmechanism')
  assert.deepEqual(mechanism.body, attestation)
  const readOnly = await hub.call('POST', '/enrollments/reg-5/attestationmechanism', {
    policy: 'registryRead',
  })
  assert.equal(readOnly.status, 401)
  const early = await ask('DELETE', '/enrollments/reg-5', undefined, { 'if-match': created.etag })
  assert.equal(early.status, 412)
  assert.equal((await ask('DELETE', '/enrollments/reg-5')).status, 204)
  const gone = await ask('GET', '/enrollments/reg-5')
  assert.deepEqual([gone.status, gone.body.errorCode], [404, 404201])
})

test('enrollments: what is wrong is named', async () => {
  const x509 = (pair: object) => ({ attestation: { type: 'x509', x509: pair } })
  const cases: readonly (readonly [object, RegExp])[] = [
    [{ attestation: { type: 'tpm', tpm: { endorsementKey: 'AA==' } } }, /tpm is not served/],
    [{ attestation: { type: 'none' } }, /attestation\.type/],
    [{ attestation: { type: 'symmetricKey', symmetricKey: { primaryKey: 'short' } } }, /key/],
    [{ registrationId: 'other' }, /registrationId must be/],
    [{ iotHubHostName: 'other.example.net' }, /'other\.example\.net' is not linked/],
    [{ iotHubs: ['other.example.net'] }, /not linked/],
    [{ allocationPolicy: 'custom' }, /allocationPolicy/],
    [{ provisioningStatus: 'maybe' }, /provisioningStatus/],
    [{ deviceId: 'a b' }, /deviceId/],
    [{ initialTwin: { tags: { 'a.b': 1 } } }, /a\.b/],
    [x509({}), /needs one of/],
    [x509({ caReferences: { primary: 'nowhere' } }), /no registered CA nowhere/],
    [x509({ clientCertificates: { primary: { certificate: 'AAAA' } } }), /certificate/],
    [{ capabilities: { iotEdge: 'yes' } }, /iotEdge/],
  ]
  for (const [settings, message] of cases) {
    const body = { registrationId: 'reg-6', attestation, ...settings }
    const answer = await ask('PUT', '/enrollments/reg-6', body)
    assert.equal(answer.status, 400, JSON.stringify(settings))
    assert.match(answer.body.message, message)
  }
  for (const id of ['a%20b', 'x'.repeat(129)]) {
    const body = { registrationId: decodeURIComponent(id), attestation }
    assert.equal((await ask('PUT', `/enrollments/${id}`, body)).status, 400)
  }
})

test('bulk: each entry is done or refused on its own', async () => {
  await enrol('bulk-1')
  const enrollments = [
    { registrationId: 'bulk-1', attestation },
    { registrationId: 'bulk-2', attestation: { type: 'tpm' } },
    { registrationId: 'bulk-3', attestation },
  ]
  const { status, body } = await ask('POST', '/enrollments/', { mode: 'create', enrollments })
  assert.deepEqual([status, body.isSuccessful], [200, false])
  const refused = body.errors.map((error: { registrationId: string; errorCode: number }) => [
    error.registrationId,
    error.errorCode,
  ])
  assert.deepEqual(refused, [
    ['bulk-1', 409000],
    ['bulk-2', 400004],
  ])
  const { etag } = (await ask('GET', '/enrollments/bulk-3')).body
  const update = [
    { registrationId: 'bulk-3', attestation, provisioningStatus: 'disabled', etag },
    { registrationId: 'bulk-1', attestation, etag: 'AAAA' },
  ]
  const done = await ask('POST', '/enrollments', { mode: 'updateIfMatchETag', enrollments: update })
  assert.deepEqual(done.body.errors.length, 1)
  const off = await ask('GET', '/enrollments/bulk-3')
  assert.equal(off.body.provisioningStatus, 'disabled')
  const many = Array.from({ length: 11 }, (_, n) => ({ registrationId: `b-${n}`, attestation }))
  assert.equal(
    (await ask('POST', '/enrollments', { mode: 'create', enrollments: many })).status,
    400,
  )
  assert.equal((await ask('POST', '/enrollments', { mode: 'x', enrollments })).status, 400)
})

test('queries: everything page by page; conditions are refused, not ignored', async () => {
  for (const id of ['a', 'b', 'c']) {
    const body = { enrollmentGroupId: id, attestation }
    assert.equal((await ask('PUT', `/enrollmentGroups/${id}`, body)).status, 200)
  }
  const path = '/enrollmentGroups/query'
  const query = { query: 'SELECT * FROM enrollmentGroups' }
  const first = await ask('POST', path, query, { 'x-ms-max-item-count': '2' })
  const ids = (groups: readonly { enrollmentGroupId: string }[]) =>
    groups.map(({ enrollmentGroupId }) => enrollmentGroupId)
  assert.deepEqual(
    [ids(first.body), first.headers['x-ms-item-type']],
    [['a', 'b'], 'enrollmentGroup'],
  )
  const continuation = { 'x-ms-continuation': String(first.headers['x-ms-continuation']) }
  const second = await ask('POST', path, query, continuation)
  assert.deepEqual(ids(second.body), ['c'])
  assert.equal(second.headers['x-ms-continuation'], undefined)
  const condition = { query: 'SELECT * FROM enrollmentGroups WHERE x = 1' }
  assert.equal((await ask('POST', path, condition)).status, 400)
  const nonsense = { 'x-ms-continuation': '%%%' }
  assert.equal((await ask('POST', path, query, nonsense)).status, 400)
  assert.equal((await ask('POST', '/registrations/nobody/query', { query: '*' })).status, 404)
})

test('/api/provisioning: the id scope; groups, then individuals, page by page', async () => {
  await using other = await startHttpsHub()
  const scope = await other.call('GET', '/api/provisioning', { policy: POLICY })
  assert.deepEqual(scope.body, { idScope: ID_SCOPE, hostName: 'localhost' })
  for (const id of ['a', 'b']) {
    const group = { enrollmentGroupId: id, attestation }
    await other.call('PUT', `/enrollmentGroups/${id}`, { body: group })
    await other.call('PUT', `/enrollments/${id}`, { body: { registrationId: id, attestation } })
  }
  for (const limit of [1, 2, 3, 4, 5]) {
    const seen: string[] = []
    let token: string | null = ''
    while (token !== null) {
      const from: string = token === '' ? '' : `&continuationToken=${token}`
      const path = `/api/provisioning/enrollments?limit=${limit}${from}`
      const { body } = await other.call('GET', path)
      assert.ok(body.items.length <= limit)
      for (const item of body.items) {
        seen.push(item.enrollmentGroupId ? `group ${item.enrollmentGroupId}` : item.registrationId)
        assert.deepEqual(item.attestation, { type: 'symmetricKey' }, 'without keys')
      }
      token = body.continuationToken
    }
    assert.deepEqual(seen, ['group a', 'group b', 'a', 'b'], `by ${limit}`)
  }
  for (const query of ['limit=0', 'limit=1001', 'limit=x', 'continuationToken=AAAA']) {
    const { status } = await other.call('GET', `/api/provisioning/enrollments?${query}`)
    assert.equal(status, 400, query)
  }
})
