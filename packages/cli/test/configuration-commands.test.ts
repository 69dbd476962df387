import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startProgram, type TestServer } from './program.ts'

let server: TestServer
before(async () => {
  server = await startProgram()
})
after(() => server[Symbol.asyncDispose]())

const CONTENT = '{"properties.desired.fan":{"rpm":900}}'

test('configuration: create, list, show, status, update, delete, for people and programs', async () => {
  const empty = await server.run(['configuration', 'list'])
  assert.equal(empty.code, 0)
  assert.match(empty.stderr, /No configurations yet/)
  await server.json('device', 'create', 'pump-1')
  const none = await server.run(['configuration', 'status', 'pump-1'])
  assert.match(none.stderr, /target of no configuration/)
  const created = await server.json(
    ...['configuration', 'create', 'fast', '--content', CONTENT, '--target', '*'],
    ...['--priority', '3', '--label', 'app=fan', '--metric', 'all=SELECT deviceId FROM devices'],
  )
  assert.deepEqual(created.content, { deviceContent: JSON.parse(CONTENT) })
  assert.deepEqual([created.labels, created.priority, created.etag], [{ app: 'fan' }, 3, 'MQ=='])
  const again = await server.run(['configuration', 'create', 'fast', '--content', CONTENT])
  assert.equal(again.code, 1)
  assert.match(again.stderr, /exists/)
  const updated = await server.json('configuration', 'update', 'fast', '--priority', '9')
  assert.deepEqual([updated.priority, updated.targetCondition, updated.etag], [9, '*', 'Mg=='])
  const table = await server.run(['configuration', 'list'])
  assert.match(table.stdout, /^ID {2,}FOR .*\nfast {2,}devices {2,}9 /)
  assert.equal((await server.json('configuration', 'show', 'fast')).etag, 'Mg==')
  const { stdout } = await server.run(['configuration', 'status', 'pump-1'])
  assert.match(stdout, /fast +Applied/)
  assert.match(stdout, /fan\.rpm +fast/)
  const deleted = await server.run(['configuration', 'delete', 'fast', '--etag', 'MQ=='])
  assert.equal(deleted.code, 1)
  await server.json('configuration', 'delete', 'fast')
  assert.deepEqual(await server.json('configuration', 'list'), [])
})

test('configuration: documents from files, contents of modules, and what is wrong said in one line', async () => {
  const file = join(server.dataDir, 'configuration.json')
  writeFileSync(file, JSON.stringify({ etag: 'x', content: { deviceContent: {} }, priority: 1 }))
  const target = "FROM devices.modules WHERE moduleId = 'azureiotsecurity'"
  const made = await server.json('configuration', 'create', 'a', '--file', file, '--priority', '2')
  assert.deepEqual([made.priority, made.content], [2, { deviceContent: {} }])
  const ofModules = await server.json(
    ...['configuration', 'create', 'b', '--content', CONTENT, '--target', target],
  )
  assert.deepEqual(Object.keys(ofModules.content as object), ['moduleContent'])
  const wrong: readonly (readonly [readonly string[], number, RegExp])[] = [
    [['create', 'c'], 2, /--content or --file/],
    [['create', 'c', '--content', '{}', '--label', 'x'], 2, /name=value/],
    [['create', 'c', '--content', '{"tags.a":1}'], 1, /not below properties.desired/],
    [['update', 'a'], 2, /Nothing to change/],
    [['test'], 2, /Nothing to test/],
    [['test', '--target', 'tags.a ='], 1, /--target: .*expected/i],
    [['apply', 'none', '--content', '{"$edgeAgent":{}}'], 1, /none/],
  ]
  for (const [words, code, reason] of wrong) {
    const outcome = await server.run(['configuration', ...words])
    assert.equal(outcome.code, code, outcome.stderr)
    assert.match(outcome.stderr, reason)
  }
  const good = await server.run(['configuration', 'test', '--target', "tags.a = 'x'"])
  assert.equal(good.stdout, 'No fault found.\n')
})

test('security config fleet: a configuration for agents, its mistakes, and what show says of it', async () => {
  const fleet = ['security', 'config', 'fleet', 'strict']
  const where = ['--where', 'tags.posture.openAlerts.high = 0']
  await server.json('device', 'create', 'pump-2')
  const printed = await server.run([...fleet, 'snapshotFrequency=PT10M', ...where, '--dry-run'])
  const dry = JSON.parse(printed.stdout)
  const path = 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration.snapshotFrequency.value'
  assert.deepEqual(dry, {
    ...{ id: 'strict', schemaVersion: '1.0', priority: 0 },
    content: { moduleContent: { [`properties.desired.${path}`]: 'PT10M' } },
    targetCondition:
      "FROM devices.modules WHERE moduleId = 'azureiotsecurity' AND tags.posture.era = 'legacy' " +
      'AND (tags.posture.openAlerts.high = 0)',
  })
  assert.equal((await server.run(['configuration', 'show', 'strict'])).code, 1, 'only printed')

  const wrong: readonly (readonly [readonly string[], number, RegExp])[] = [
    [['snapshotFrequenzy=PT1H', 'eventPriorityLogin=Loud'], 1, /snapshotFrequency\?.*eventPrior/s],
    [['snapshotFrequency=PT1H', '--where', 'tags.a ='], 1, /expected/i],
    [['snapshotFrequency=PT1H', '--where', 'tags.a =', '--dry-run'], 1, /expected/i],
    [['snapshotFrequency=PT1H', '--module', 'thermostat'], 1, /'thermostat' is no security module/],
    [['snapshotFrequency='], 2, /gives values/],
    [['snapshotFrequency=PT1H', '--era', 'rtos'], 2, /rtos/],
    [['Process_Mode=9', '--era', 'micro'], 1, /Process_Mode: it is not between 1 and 3/],
  ]
  for (const [words, code, reason] of wrong) {
    const outcome = await server.run([...fleet, ...words])
    assert.equal(outcome.code, code, outcome.stderr)
    assert.match(outcome.stderr, reason)
  }

  const made = await server.run([...fleet, 'snapshotFrequency=PT10M', ...where, '--priority', '7'])
  assert.match(made.stdout, /^Configuration strict is in force: FROM devices\.modules WHERE /)
  assert.equal((await server.json('configuration', 'show', 'strict')).priority, 7)
  const shown = await eventually(['security', 'config', 'show', 'pump-2'], /configuration strict/)
  assert.match(shown, /^snapshotFrequency +PT10M +configuration strict/m)
  const again = await server.run([...fleet, 'snapshotFrequency=PT1H'])
  assert.match(again.stderr, /'strict' exists/)
  await server.json('configuration', 'delete', 'strict')
})

/** What a command prints once it says so. */
async function eventually(words: readonly string[], pattern: RegExp): Promise<string> {
  const deadlineMs = Date.now() + 10_000
  for (;;) {
    const { stdout } = await server.run(words)
    if (pattern.test(stdout)) return stdout
    assert.ok(Date.now() < deadlineMs, stdout)
  }
}
