import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { formatConnectionString } from '@twinward/protocol'
import { readPolicies } from '../../src/data-dir.ts'
import { openRaw, parseResponses, type RawResponse } from '../raw-https.ts'
import { startTestServer, type TestServer, until } from '../server.ts'

const mayBind443 = process.getuid?.() === 0
const SCENARIO = fileURLToPath(new URL('errors-sdk-scenario.ts', import.meta.url))
const METHODS = ['GET', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS']

/** Node ends a TLS connection that sends on and on without reading. */
const PIPELINED = 20

let server: TestServer

before(async () => {
  server = await startTestServer(mayBind443 ? { httpsPort: 443 } : {})
  await server.call('PUT', '/devices/pump-1', { body: { deviceId: 'pump-1' } })
})

after(() => server[Symbol.asyncDispose]())

/** Requests without any right, some at a time on one connection. */
async function ask(requests: readonly string[]): Promise<readonly RawResponse[]> {
  const peer = await openRaw(server.host, server.ready.httpsPort)
  const host = `HTTP/1.1\r\nHost: ${server.host}`
  const responses = () => parseResponses(peer.received())
  for (let at = 0; at < requests.length; at += PIPELINED) {
    const some = requests.slice(at, at + PIPELINED)
    peer.socket.write(some.map((line) => `${line} ${host}\r\n\r\n`).join(''))
    await until(() => responses().length >= at + some.length)
  }
  peer.socket.destroy()
  return responses()
}

function assertIsError(
  response: RawResponse | undefined,
  status: number,
  code: string,
  what: string,
) {
  assert.equal(response?.status, status, what)
  assert.equal(response?.headers['iothub-errorcode'], code, what)
  assert.match(response?.headers['x-ms-request-id'] ?? '', /^[0-9a-f-]{36}$/, what)
  assert.equal(response?.headers['content-type'], 'application/json; charset=utf-8', what)
  const { Message, errorCode } = JSON.parse(response?.body ?? '')
  const isOfProvisioning = /^[A-Z]+ \/(enrollments|enrollmentGroups|registrations)\b/.test(what)
  if (isOfProvisioning && status === 401) assert.equal(errorCode, 401002, what)
  else assert.match(Message, new RegExp(`^ErrorCode:${code};`), what)
}

test('every route of the API: 401 without a token, 405 for its other methods, and says so in OpenAPI', async () => {
  const { body: openApi } = await server.call('GET', '/openapi.json', { policy: null })
  const reference = { $ref: '#/components/responses/Error' }
  assert.ok(openApi.components.responses.Error.headers['iothub-errorcode'])
  const guarded: string[] = []
  const foreign: string[] = []
  for (const [path, operations] of Object.entries<
    Record<string, { responses: object; security?: [] }>
  >(openApi.paths)) {
    const url = `${path.replace(/\{[^}]+\}/g, 'x')}?api-version=2021-04-12`
    const methods = Object.keys(operations).map((method) => method.toUpperCase())
    for (const [method, { responses, security }] of Object.entries(operations)) {
      assert.deepEqual((responses as { default: object }).default, reference, `${method} ${path}`)
      if (security === undefined) guarded.push(`${method.toUpperCase()} ${url}`)
    }
    const others = METHODS.filter((method) => !methods.includes(method))
    foreign.push(...others.map((method) => `${method} ${url}`))
  }
  assert.ok(guarded.length > 40, 'the document lists the routes')
  const refusals = await ask(guarded)
  for (const [at, line] of guarded.entries()) {
    const response = refusals[at]
    const code = response?.headers['iothub-errorcode'] ?? ''
    assert.ok(['IotHubUnauthorizedAccess', 'IotHubUnauthorized'].includes(code), `${line}: ${code}`)
    assertIsError(response, 401, code, line)
  }
  const misses = await ask(foreign)
  for (const [at, line] of foreign.entries()) {
    // A path may be another route's as well, where the parameter is any name.
    if (misses[at]?.status === 401) continue
    assertIsError(misses[at], 405, 'GenericMethodNotAllowed', line)
    assert.match(misses[at]?.headers.allow ?? '', /^[A-Z]+(, [A-Z]+)*$/)
  }
})

test('api-version: any date, with -preview or without; anything else is 400', async () => {
  const versions: [query: string, status: number][] = [
    ['?api-version=2016-11-14', 200],
    ['?api-version=2020-05-31-preview', 200],
    ['?api-version=2099-12-31&other=1', 200],
    ['', 400],
    ['?api-version=', 400],
    ['?api-version=latest', 400],
    ['?api-version=2021-04-12&api-version=2021-04-12', 400],
    ['?API-VERSION=2021-04-12', 400],
  ]
  for (const [query, status] of versions) {
    // A path of two slashes is not one of those to which the caller adds the version.
    const answer = await server.call('GET', `/%74wins/pump-1${query}`)
    assert.equal(answer.status, status, query)
    if (status === 400) assert.equal(answer.headers['iothub-errorcode'], 'ArgumentInvalid')
  }
})

test('the three envelopes: most errors, direct methods, and a module that exists', async () => {
  const missing = await server.call('GET', '/devices/pump-2')
  assert.deepEqual(Object.keys(missing.body), ['Message', 'ExceptionMessage'])
  assert.equal(missing.body.Message, 'ErrorCode:DeviceNotFound;pump-2')
  assert.match(
    missing.body.ExceptionMessage,
    /^Tracking ID:[0-9a-f]{32}-G2:-TimeStamp:\d{4}-\d\d-\d\dT[\d:.]+Z$/,
  )
  assert.ok(
    missing.body.ExceptionMessage.includes(
      String(missing.headers['x-ms-request-id']).replaceAll('-', ''),
    ),
  )

  const call = { methodName: 'start', connectTimeoutInSeconds: 0 }
  const offline = await server.call('POST', '/twins/pump-1/methods', { body: call })
  assert.deepEqual([offline.status, offline.headers['iothub-errorcode']], [404, 'DeviceNotOnline'])
  assert.equal(offline.body.ExceptionMessage, '')
  const nested = JSON.parse(offline.body.Message)
  assert.deepEqual(Object.keys(nested), [
    'errorCode',
    'trackingId',
    'message',
    'info',
    'timestampUtc',
  ])
  assert.equal(nested.errorCode, 404103)

  const body = { deviceId: 'pump-1', moduleId: 'app' }
  await server.call('PUT', '/devices/pump-1/modules/app', { body })
  const taken = await server.call('PUT', '/devices/pump-1/modules/app', { body })
  assert.deepEqual(
    [taken.status, taken.headers['iothub-errorcode']],
    [409, 'ModuleAlreadyExistsOnDevice'],
  )
  assert.deepEqual(Object.keys(taken.body), ['errorCode', 'message', 'trackingId', 'timestampUtc'])
  assert.equal(taken.body.errorCode, 409301)
})

test('bodies: a wrong one says where, an absent one that it is absent', async () => {
  const refusals: [body: unknown, code: string, says: RegExp][] = [
    ['{"tags":{"a":1,"a":2}}', 'GenericBadRequest', /member "a" of "tags" is there twice/],
    ['{"tags":{"a":"\\udfff"}}', 'GenericBadRequest', /surrogate/],
    ['{"tags":\n{"a":1e999}}', 'GenericBadRequest', /number of "tags\.a" .*line 2, column 6/],
    ['{"tags":{', 'GenericBadRequest', /not JSON: .*line 1, column 10/],
    [`{"tags":${'{"a":'.repeat(100)}1${'}'.repeat(101)}`, 'GenericBadRequest', /deeper than 64/],
    [undefined, 'ArgumentNull', /needs a body/],
    ['[]', 'ArgumentInvalid', /body must be object/],
    [{ tags: [] }, 'ArgumentInvalid', /body\/tags/],
    [{ properties: { desired: 'x' } }, 'ArgumentInvalid', /body\/properties\/desired/],
  ]
  for (const [body, code, says] of refusals) {
    const answer = await server.call('PATCH', '/twins/pump-1', { body })
    assert.deepEqual([answer.status, answer.headers['iothub-errorcode']], [400, code], String(says))
    assert.match(answer.body.Message, says)
  }
})

test('an answer without a body is 204 with Content-Length 0', async () => {
  await server.call('PUT', '/devices/gone', { body: { deviceId: 'gone' } })
  const gone = await server.call('DELETE', '/devices/gone', { headers: { 'if-match': '*' } })
  assert.equal(gone.status, 204)
  assert.equal(gone.headers['content-length'], '0')
  assert.match(String(gone.headers['x-ms-request-id']), /^[0-9a-f-]{36}$/)
})

// The SDK speaks HTTPS only on port 443, and takes a private CA when its process starts.
test('azure-iothub, unmodified: every class of error arrives as its own type', {
  skip: !mayBind443 && 'this user may not listen on port 443, the only one this SDK knows',
}, async () => {
  const [owner, service] = readPolicies(server.dataDir)
  const strings = [owner, service].map((policy) =>
    formatConnectionString({
      hostName: server.host,
      sharedAccessKeyName: policy?.name ?? '',
      sharedAccessKey: policy?.primaryKey ?? '',
    }),
  )
  const args = ['--conditions=source', '--import', 'tsx', SCENARIO, ...strings]
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: server.caFile }
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, timeout: 60_000 })
  assert.match(stdout, /all steps passed/)
})
