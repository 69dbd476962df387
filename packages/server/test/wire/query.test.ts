import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { formatConnectionString } from '@twinward/protocol'
import device from 'azure-iot-device'
import { Mqtt } from 'azure-iot-device-mqtt'
import { readPolicies } from '../../src/data-dir.ts'
import { startTestServer, type TestServer, until } from '../server.ts'

const SCENARIO = fileURLToPath(new URL('query-sdk-scenario.ts', import.meta.url))
const mayBind443 = process.getuid?.() === 0

let server: TestServer
before(async () => {
  server = await startTestServer(mayBind443 ? { httpsPort: 443 } : {})
  for (let n = 0; n < 10; n++) {
    const { status } = await server.call('PUT', `/devices/d-${n}`, { body: { deviceId: `d-${n}` } })
    assert.equal(status, 200)
    await tag(`d-${n}`, { site: n % 2 === 0 ? 'north' : 'south', level: n })
  }
})
after(() => server[Symbol.asyncDispose]())

// The service SDK takes a private CA from NODE_EXTRA_CA_CERTS only, which Node reads when a process
// starts, and speaks HTTPS only on port 443.
test('azure-iothub, unmodified: createQuery pages through twins, projections and groups', {
  skip: !mayBind443 && 'this user may not listen on port 443, the only one this SDK knows',
}, async () => {
  const [owner] = readPolicies(server.dataDir)
  assert.ok(owner)
  const connectionString = formatConnectionString({
    hostName: server.host,
    sharedAccessKeyName: owner.name,
    sharedAccessKey: owner.primaryKey,
  })
  const args = ['--conditions=source', '--import', 'tsx', SCENARIO, connectionString]
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: server.caFile }
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, timeout: 60_000 })
  assert.match(stdout, /all steps passed/)
})

test('POST /devices/query: the item type says what the rows are', async () => {
  const types = [
    ['SELECT * FROM devices', 'Twin'],
    ['select * from DEVICES.MODULES', 'Twin'],
    ['SELECT deviceId FROM devices', 'Raw'],
    ['SELECT COUNT() AS n FROM devices', 'Raw'],
    ['SELECT * FROM devices.jobs', 'DeviceJob'],
  ] as const
  for (const [query, type] of types) {
    const { status, headers } = await ask(query)
    assert.equal(status, 200)
    assert.equal(headers['x-ms-item-type'], type)
    assert.match(String(headers['content-type']), /^application\/json; charset=utf-8/)
  }
})

test('POST /devices/query: a twin is the same as GET /twins shows it', async () => {
  const { body } = await ask("SELECT * FROM devices WHERE deviceId = 'd-4'")
  assert.deepEqual(body, [(await server.call('GET', '/twins/d-4')).body])
})

test('POST /devices/query: pages end with the header, which the last page has not', async () => {
  const query = 'SELECT deviceId FROM devices'
  const sizes: number[] = []
  let token: string | undefined
  do {
    const { body, headers } = await ask(query, {
      'x-ms-max-item-count': '5',
      ...(token !== undefined && { 'x-ms-continuation': token }),
    })
    sizes.push(body.length)
    token = headers['x-ms-continuation'] as string | undefined
  } while (token !== undefined)
  assert.deepEqual(sizes, [5, 5])
})

test('POST /devices/query: a wrong token, page size or query is 400 and says what is wrong', async () => {
  const query = 'SELECT deviceId FROM devices'
  const { headers } = await ask(query, { 'x-ms-max-item-count': '5' })
  const token = String(headers['x-ms-continuation'])
  const flipped = `${token.startsWith('A') ? 'B' : 'A'}${token.slice(1)}`
  for (const wrong of [
    flipped,
    `${token}x`,
    token.slice(1),
    'x',
    '.',
    `${token}.`,
    token.split('.')[0],
  ]) {
    assertRefused(
      await ask(query, { 'x-ms-continuation': String(wrong) }),
      'ArgumentInvalid',
      /token/,
    )
  }
  const other = await ask('SELECT deviceId FROM devices ', { 'x-ms-continuation': token })
  assertRefused(other, 'ArgumentInvalid', /token/)
  for (const size of ['0', '-1', '1.5', 'ten', '1001', '1e2']) {
    const answer = await ask(query, { 'x-ms-max-item-count': size })
    assertRefused(answer, 'ArgumentInvalid', /x-ms-max-item-count/)
  }
  assert.equal((await ask(query, { 'x-ms-max-item-count': '1000' })).body.length, 10)
  assert.equal((await ask(query, { 'x-ms-max-item-count': '' })).body.length, 10)
  const wrong = await ask('SELECT * FROM devices WHERE tags.x == 1')
  assertRefused(wrong, 'ArgumentInvalid', /at character 37: expected a value, found "="/)
  const none = await server.call('POST', '/devices/query', { body: {} })
  assertRefused(none, 'ArgumentNull', /query/)
  const number = await server.call('POST', '/devices/query', { body: { query: 5 } })
  assertRefused(number, 'ArgumentInvalid', /string/)
})

test('POST /devices/query: needs ServiceConnect', async () => {
  const options = { body: { query: 'SELECT * FROM devices' } }
  const call = (policy: string) => server.call('POST', '/devices/query', { ...options, policy })
  assert.equal((await call('service')).status, 200)
  assert.equal((await call('registryReadWrite')).status, 401)
})

test('POST /devices/query: sees a twin’s write that was answered, each time', async () => {
  for (let round = 0; round < 20; round++) {
    await tag('d-3', { round })
    const { body } = await ask(`SELECT deviceId FROM devices WHERE tags.round = ${round}`)
    assert.deepEqual(body, [{ deviceId: 'd-3' }])
  }
})

test('POST /devices/query: a device is connected from its CONNACK on, and its report is seen', async () => {
  const ids = async (where: string) =>
    (await ask(`SELECT deviceId FROM devices WHERE ${where}`)).body.map(
      ({ deviceId }: { deviceId: string }) => deviceId,
    )
  assert.deepEqual(await ids("connectionState = 'Connected'"), [])
  const client = device.Client.fromConnectionString(await server.connectionString('d-5'), Mqtt)
  await client.setOptions({ ca: readFileSync(server.caFile, 'utf8') })
  try {
    await client.open()
    assert.deepEqual(await ids("connectionState = 'Connected'"), ['d-5'])
    const twin = await client.getTwin()
    for (let round = 0; round < 10; round++) {
      await new Promise<void>((resolve, reject) => {
        twin.properties.reported.update({ round }, (error: Error | undefined) =>
          error ? reject(error) : resolve(),
        )
      })
      assert.deepEqual(await ids(`properties.reported.round = ${round}`), ['d-5'])
    }
    const { body } = await ask("SELECT * FROM devices WHERE deviceId = 'd-5'")
    assert.equal(body[0].connectionState, 'Connected')
  } finally {
    await client.close()
  }
  await until(async () => (await ids("connectionState = 'Connected'")).length === 0)
})

function ask(query: string, headers: Record<string, string> = {}) {
  return server.call('POST', '/devices/query', { body: { query }, headers })
}

async function tag(deviceId: string, tags: object): Promise<void> {
  const { status } = await server.call('PATCH', `/twins/${deviceId}`, { body: { tags } })
  assert.equal(status, 200)
}

function assertRefused(
  { status, headers, body }: Awaited<ReturnType<typeof ask>>,
  code: string,
  message: RegExp,
): void {
  assert.equal(status, 400)
  assert.equal(headers['iothub-errorcode'], code)
  assert.match(body.Message, new RegExp(`^ErrorCode:${code};`))
  assert.match(body.Message, message)
}
