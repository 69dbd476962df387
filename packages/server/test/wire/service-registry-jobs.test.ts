import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { startTestServer, type TestServer, until } from '../server.ts'

// 01 §7: import and export as jobs, and as streams.

let server: TestServer
let folder: string
let url: string
before(async () => {
  server = await startTestServer()
  folder = join(server.dataDir, 'exchange')
  url = pathToFileURL(folder).href
})
after(() => server[Symbol.asyncDispose]())

const jobs = (method: string, path: string, body?: object) =>
  server.call(method, path, body ? { body } : {})

async function run(body: object): Promise<Record<string, unknown>> {
  const created = await jobs('POST', '/jobs/create', body)
  assert.equal(created.status, 200, created.body.Message)
  assert.equal(created.body.status, 'enqueued')
  return until(async () => {
    const { body: job } = await jobs('GET', `/jobs/${created.body.jobId}`)
    return job.endTimeUtc !== null && job
  })
}

function linesOf(name: string): Record<string, unknown>[] {
  const text = readFileSync(join(folder, name), 'utf8')
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
}

test('export: one identity a line, modules on their own lines, the job as IoT Hub shows it', async () => {
  await server.call('PUT', '/devices/e1', { body: { deviceId: 'e1', status: 'disabled' } })
  await server.call('PATCH', '/twins/e1', { body: { tags: { site: 'ä' } } })
  const device = (await server.call('GET', '/devices/e1')).body
  const job = await run({ type: 'export', outputBlobContainerUri: url, excludeKeysInExport: false })
  const { jobId, startTimeUtc, endTimeUtc, ...rest } = job
  assert.deepEqual(rest, {
    type: 'export',
    status: 'completed',
    progress: 100,
    inputBlobContainerUri: '',
    outputBlobContainerUri: '',
    excludeKeysInExport: false,
    failureReason: null,
  })
  assert.ok(String(startTimeUtc) <= String(endTimeUtc))
  const [line, module] = linesOf('devices.txt')
  assert.equal(line?.id, 'e1')
  assert.equal(line?.status, 'disabled')
  assert.equal(line?.eTag, device.etag)
  assert.deepEqual(line?.authentication, device.authentication)
  assert.deepEqual(line?.tags, { site: 'ä' })
  assert.deepEqual([module?.id, module?.moduleId], ['e1', 'azureiotsecurity'])
  const { body: list } = await jobs('GET', '/jobs')
  assert.deepEqual(list[0], job)
})

test('export without keys: a warning first, no key anywhere, other names', async () => {
  const names = { outputBlobName: 'safe.txt', configurationsBlobName: 'c.txt' }
  const options = { excludeKeysInExport: true, includeConfigurations: true, ...names }
  await run({ type: 'Export', outputBlobContainerUri: `${url}/?sv=2020&sig=x`, ...options })
  const text = readFileSync(join(folder, 'safe.txt'), 'utf8')
  assert.match(text, /^[^{]+\n\{/)
  for (const { authentication } of linesOf('safe.txt')) {
    assert.deepEqual((authentication as { symmetricKey: object }).symmetricKey, {
      primaryKey: null,
      secondaryKey: null,
    })
  }
  assert.equal(readFileSync(join(folder, 'c.txt'), 'utf8'), '')
})

test('configurations: an export has a line each, an import creates what is missing', async () => {
  const content = { deviceContent: { 'properties.desired.moved': true } }
  const body = { id: 'moved', content, targetCondition: "tags.site = 'none'", priority: 4 }
  assert.equal((await server.call('PUT', '/configurations/moved', { body })).status, 200)
  const names = { includeConfigurations: true, configurationsBlobName: 'moved.txt' }
  await run({ type: 'export', outputBlobContainerUri: url, ...names })
  const [line, ...others] = linesOf('moved.txt')
  assert.deepEqual([line?.id, line?.content, others], ['moved', content, []])
  assert.equal((await server.call('DELETE', '/configurations/moved')).status, 204)
  const containers = { inputBlobContainerUri: url, outputBlobContainerUri: url }
  const missing = { type: 'import', ...containers, ...names, configurationsBlobName: 'none.txt' }
  const refused = await jobs('POST', '/jobs/create', missing)
  assert.equal(refused.headers['iothub-errorcode'], 'BlobContainerValidationError')
  await run({ type: 'import', ...containers, ...names })
  const restored = (await server.call('GET', '/configurations/moved')).body
  assert.deepEqual(
    [restored.content, restored.targetCondition, restored.priority],
    [content, body.targetCondition, 4],
  )
})

test('import: lines that fail go to importErrors.log, the others are in, the job is completed', async () => {
  mkdirSync(join(folder, 'in'))
  mkdirSync(join(folder, 'out'))
  const entries = [
    '{"id":"i1","importMode":"create","status":"enabled","tags":{"a":1}}',
    '{"id":"i1","moduleId":"azureiotsecurity","importMode":"create","tags":{"b":1}}',
    '{"id":"i1","moduleId":"app","status":"enabled"}',
    'no JSON',
    '{"id":"i2"}',
    '',
    '{"id":"e1","importMode":"create","status":"enabled"}',
    '{"id":"i3","importMode":"delete"}',
    '{"id":"i4","status":"enabled"}',
  ]
  writeFileSync(join(folder, 'in', 'list.txt'), entries.join('\r\n'))
  const job = await run({
    type: 'import',
    inputBlobContainerUri: `${url}/in`,
    outputBlobContainerUri: `${url}/out`,
    inputBlobName: 'list.txt',
  })
  assert.equal(job.status, 'completed')
  const log = linesOf('out/importErrors.log')
  assert.deepEqual(log.map(({ line, deviceId, errorCode }) => [line, deviceId, errorCode]).sort(), [
    [4, '', 'DeserializationError'],
    [5, 'i2', 'ArgumentInvalid'],
    [7, 'e1', 'DeviceAlreadyExists'],
    [8, 'i3', 'DeviceNotFound'],
  ])
  assert.deepEqual((await server.call('GET', '/twins/i1')).body.tags, { a: 1 })
  const { body } = await server.call('GET', '/twins/i1/modules/azureiotsecurity')
  assert.equal(body.tags.b, 1)
  assert.equal((await server.call('GET', '/devices/i1/modules')).body.length, 2)
  assert.equal((await server.call('GET', '/devices/i4')).status, 200)
})

test('containers: nothing but folders below the exchange folder is in reach', async (t) => {
  const outside = mkdtempSync(join(tmpdir(), 'twinward-outside-'))
  t.after(() => rmSync(outside, { recursive: true }))
  symlinkSync(outside, join(folder, 'link'))
  writeFileSync(join(folder, 'file'), '')
  writeFileSync(join(outside, 'secret'), '{"id":"secret","status":"enabled"}')
  symlinkSync(join(outside, 'secret'), join(folder, 'linked.txt'))
  const bad = [
    'https://account.blob.core.windows.net/container?sig=x',
    pathToFileURL(outside).href,
    pathToFileURL(server.dataDir).href,
    `${url}/..`,
    `${url}/%2e%2e`,
    `${url}/in/../../..`,
    `${url}%2F..%2F`,
    `${url}/%00`,
    `${url}/link`,
    `${url}/file`,
    `${url}/missing`,
    `${url}/.partial`,
    `${url}x`,
    folder,
    'file:',
    '',
    'file://otherhost/tmp',
  ]
  for (const uri of bad) {
    const answer = await jobs('POST', '/jobs/create', {
      type: 'export',
      outputBlobContainerUri: uri,
    })
    assert.equal(answer.status, 400, uri)
    assert.equal(answer.headers['iothub-errorcode'], 'BlobContainerValidationError', uri)
    if (uri !== '') assert.ok(answer.body.Message.includes(url), answer.body.Message)
  }
  const uris = { inputBlobContainerUri: url, outputBlobContainerUri: url }
  for (const inputBlobName of [
    '../policies.json',
    'in/list.txt',
    'linked.txt',
    'in',
    'none.txt',
    '.x',
  ]) {
    const answer = await jobs('POST', '/jobs/create', { type: 'import', ...uris, inputBlobName })
    assert.equal(answer.headers['iothub-errorcode'], 'BlobContainerValidationError', inputBlobName)
  }
  const named = { type: 'export', outputBlobContainerUri: url, outputBlobName: '../x' }
  const answer = await jobs('POST', '/jobs/create', named)
  assert.equal(answer.headers['iothub-errorcode'], 'BlobContainerValidationError')
  assert.match(answer.body.Message, /plain file name/)
  assert.deepEqual(readdirSync(outside), ['secret'])
  assert.ok(!existsSync(join(server.dataDir, 'x')))
  assert.deepEqual(readdirSync(join(folder, '.partial')), [])
})

test('jobs: unknown ones are 404002, the wrong policy is refused, a cancelled one stays', async () => {
  const missing = await jobs('GET', '/jobs/nothing')
  assert.deepEqual([missing.status, missing.headers['iothub-errorcode']], [404, 'JobNotFound'])
  assert.equal((await jobs('DELETE', '/jobs/nothing')).status, 404)
  const readOnly = await server.call('POST', '/jobs/create', {
    policy: 'registryRead',
    body: { type: 'export', outputBlobContainerUri: url },
  })
  assert.equal(readOnly.status, 401)
  const [job] = (await jobs('GET', '/jobs')).body
  const cancelled = await jobs('DELETE', `/jobs/${job.jobId}`)
  assert.deepEqual([cancelled.status, cancelled.body], [200, job])
  const wrong = await jobs('POST', '/jobs/create', { type: 'dance', outputBlobContainerUri: url })
  assert.equal(wrong.status, 400)
})

test('streams: what one hub exports, an empty one imports, and then exports the same', async () => {
  await server.call('PUT', '/devices/edge', {
    body: { deviceId: 'edge', capabilities: { iotEdge: true } },
  })
  const scope = (await server.call('GET', '/devices/edge')).body.deviceScope
  await server.call('PUT', '/devices/child', { body: { deviceId: 'child', deviceScope: scope } })
  await server.call('PATCH', '/twins/edge/modules/$edgeAgent', {
    body: { properties: { desired: { manifest: [1, 2] } } },
  })
  const exported = await server.call('GET', '/api/registry/export')
  assert.match(String(exported.headers['content-type']), /^application\/x-ndjson/)
  await using other = await startTestServer()
  const imported = await other.call('POST', '/api/registry/import', {
    body: exported.body,
    headers: { 'content-type': 'application/x-ndjson' },
  })
  assert.deepEqual([imported.status, imported.body.errors], [200, []])
  const again = await other.call('GET', '/api/registry/export')
  assert.deepEqual(comparable(again.body), comparable(exported.body))
})

/** Without what is of the hub that holds them: etags, versions, reported properties. */
function comparable(text: string): unknown[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const { eTag: _, twinETag: __, properties, tags, ...entry } = JSON.parse(line)
      const { $version: ___, ...desired } = properties.desired
      // The security service keeps its own notes there.
      const { posture: ____, ...rest } = tags
      return { ...entry, tags: rest, desired }
    })
}

test('streams: per-line errors, numbered from firstLine on; both rights are needed', async () => {
  const body = '{"id":"s1","status":"enabled"}\n{"id":"s1"}\nx\n{"id":"s2","status":"asleep"}'
  const { body: report } = await server.call('POST', '/api/registry/import?firstLine=11', { body })
  const { errors, ...counts } = report
  assert.deepEqual(counts, { lines: 4, succeeded: 1, failed: 3, errorsOmitted: 0 })
  assert.deepEqual(
    errors.map(({ line, errorCode }: { line: number; errorCode: string }) => [line, errorCode]),
    [
      [12, 'ArgumentInvalid'],
      [13, 'DeserializationError'],
      [14, 'ArgumentInvalid'],
    ],
  )
  const safe = await server.call('GET', '/api/registry/export?excludeKeys=true')
  assert.ok(!/"primaryKey":"/.test(safe.body))
  for (const policy of ['registryRead', 'service', 'device']) {
    assert.equal((await server.call('GET', '/api/registry/export', { policy })).status, 401, policy)
    const answer = await server.call('POST', '/api/registry/import', { policy, body })
    assert.equal(answer.status, 401, policy)
  }
})
