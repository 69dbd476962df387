import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { RolloutView } from '../src/rollout.ts'
import { startProgram, type TestServer } from './program.ts'

const DEVICES = 8
const folder = mkdtempSync(join(tmpdir(), 'twinward-rollout-'))
const file = join(folder, 'fan-2.json')
const FAN_2 = {
  id: 'fan-2',
  content: { deviceContent: { 'properties.desired.fan': 2 } },
  targetCondition: '*',
  priority: 10,
}

let server: TestServer
before(async () => {
  server = await startProgram()
  writeFileSync(file, JSON.stringify(FAN_2))
  for (let n = 0; n < DEVICES; n++) await server.json('device', 'create', `pump-${n}`)
  await server.json('twin', 'update', 'pump-0', '--desired', '{"fan":2}')
  await server.json('twin', 'update', 'pump-1', '--desired', '{"fan":1}')
})
after(async () => {
  await server[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

interface Planned {
  readonly deviceId: string
  readonly changes: readonly {
    readonly path: string
    readonly from: unknown
    readonly to: unknown
  }[]
}

test('configuration plan: the exact change of each twin, and nothing happens', async () => {
  const { stdout } = await server.run(['configuration', 'plan', '--file', file, '--json'])
  const twins = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Planned)
  // pump-0 holds it already.
  assert.equal(twins.length, DEVICES - 1)
  assert.deepEqual(twins.find(({ deviceId }) => deviceId === 'pump-1')?.changes, [
    { path: 'properties.desired.fan', from: 1, to: 2, by: 'fan-2' },
  ])
  const people = await server.run(['configuration', 'plan', '--file', file, '--show', '1'])
  assert.match(people.stdout, /7 twins would change:\n {2}7 × properties\.desired\.fan = 2/)
  assert.match(people.stderr, /… and 6 further twins/)
  const rows = await server.json(
    'query',
    'SELECT COUNT() AS n FROM devices WHERE properties.desired.fan = 2',
  )
  assert.deepEqual(rows, [{ n: 1 }])
})

test('rollout create --watch: wave after wave to the end; then a plan says nothing would change', async () => {
  const words = ['rollout', 'create', 'r1', '--configuration', `@${file}`, '--pause', 'PT0S']
  const { code, stdout, stderr } = await server.run([...words, '--waves', '2,50%', '--watch'])
  assert.deepEqual([code, stdout], [0, 'Rollout r1 is completed.\n'], stderr)
  const { waves } = await server.json<RolloutView>('rollout', 'show', 'r1')
  assert.deepEqual(
    waves.map(({ planned, applied, state }) => [planned, applied, state]),
    [
      [2, 2, 'done'],
      [4, 4, 'done'],
      [2, 2, 'done'],
    ],
  )
  const plan = await server.run(['configuration', 'plan', '--file', file])
  assert.equal(plan.stderr, 'Nothing would change.\n')
  const removal = await server.run(['configuration', 'plan', 'fan-2', '--remove'])
  // What pump-0 had by itself before stays its own.
  assert.match(removal.stdout, /[78] twins would change/)
})

test('rollout pause, list, rollback, delete: a person decides', async () => {
  writeFileSync(file, JSON.stringify({ ...FAN_2, id: 'fan-3' }).replace(':2}', ':3}'))
  await server.json(
    'rollout',
    'create',
    'r2',
    '--configuration',
    `@${file}`,
    '--success',
    'tags.ok = true',
  )
  await server.json('rollout', 'pause', 'r2')
  const { stdout } = await server.run(['rollout', 'list'])
  assert.match(stdout, /r1 +fan-2 +completed/)
  assert.match(stdout, /r2 +fan-3 +paused +1 of 3/)
  const watched = await server.run(['rollout', 'watch', 'r2'])
  assert.equal(watched.code, 1)
  const back = await server.json<RolloutView>('rollout', 'rollback', 'r2')
  assert.equal(back.state, 'rolledBack')
  const early = await server.run(['rollout', 'pause', 'r2'])
  assert.match(early.stderr, /\(OperationNotAllowedInCurrentState\)/)
  assert.equal((await server.run(['rollout', 'delete', 'r2'])).stdout, 'Rollout r2 is forgotten.\n')
})
