// What a back-end asks with Microsoft's service SDK; every step must hold. The hub has ten devices
// with tags and reported properties (query.test.ts).

import assert from 'node:assert/strict'
import iothub from 'azure-iothub'

const [connectionString = ''] = process.argv.slice(2)
const registry = iothub.Registry.fromConnectionString(connectionString)

interface Page {
  readonly result: readonly Record<string, unknown>[]
}

/** All results, and how many pages they came in. */
async function all(text: string, pageSize: number, as: 'next' | 'nextAsTwin' = 'next') {
  const query = registry.createQuery(text, pageSize)
  const results: Record<string, unknown>[] = []
  let pages = 0
  while (query.hasMoreResults) {
    // Without the token, the SDK's `next` asks for the first page again.
    const { result } = (await query[as](query.continuationToken)) as unknown as Page
    results.push(...result)
    pages++
  }
  return { results, pages }
}

const twins = await all("SELECT * FROM devices WHERE tags.site = 'north'", 2, 'nextAsTwin')
assert.deepEqual(
  twins.results.map(({ deviceId }) => deviceId),
  ['d-0', 'd-2', 'd-4', 'd-6', 'd-8'],
)
assert.equal(twins.pages, 3)
const [first] = twins.results as unknown as [
  { tags: object; properties: { desired: { $version: number } }; update: unknown },
]
assert.deepEqual(first.tags, { site: 'north', level: 0 })
assert.equal(first.properties.desired.$version, 1)
assert.equal(typeof first.update, 'function', 'the SDK made a Twin of it')

const modules = await all(
  "SELECT * FROM devices.modules WHERE moduleId = 'azureiotsecurity' AND deviceId IN ['d-1', 'd-3']",
  10,
  'nextAsTwin',
)
assert.deepEqual(
  modules.results.map(({ deviceId, moduleId }) => [deviceId, moduleId]),
  [
    ['d-1', 'azureiotsecurity'],
    ['d-3', 'azureiotsecurity'],
  ],
)

const rows = await all('SELECT DeviceId, tags.level AS level FROM devices WHERE tags.level > 6', 2)
assert.deepEqual(rows.results, [
  { deviceId: 'd-7', level: 7 },
  { deviceId: 'd-8', level: 8 },
  { deviceId: 'd-9', level: 9 },
])

const groups = await all(
  'SELECT tags.site AS site, COUNT() AS n, AVG(tags.level) AS level FROM devices GROUP BY tags.site',
  1,
)
assert.deepEqual(groups.results, [
  { site: 'north', n: 5, level: 4 },
  { site: 'south', n: 5, level: 5 },
])
assert.equal(groups.pages, 2)

assert.deepEqual((await all('SELECT COUNT() AS total FROM devices', 10)).results, [{ total: 10 }])
assert.deepEqual((await all('SELECT TOP 3 deviceId FROM devices', 2)).results.length, 3)
assert.deepEqual((await all("SELECT * FROM devices.jobs WHERE status = 'x'", 10)).results, [])

for (const wrong of ['SELECT', 'SELECT * FROM things', 'SELECT deviceId FROM devices.jobs']) {
  await assert.rejects(all(wrong, 10), (error: Error) => {
    assert.equal(error.constructor.name, 'ArgumentError')
    assert.match(error.message, /The query is wrong at character \d+: /)
    return true
  })
}
process.stdout.write('all steps passed\n')
