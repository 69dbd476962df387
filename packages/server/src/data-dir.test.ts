import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openIdScope, openPolicies, readPolicies } from './data-dir.ts'

const OWNER = 'provisioningserviceowner'

test('openPolicies: keys are made once and stay', (t) => {
  const dataDir = newDir(t)
  const policies = openPolicies(dataDir)
  assert.equal(policies.length, 6)
  assert.deepEqual(openPolicies(dataDir), policies)
  assert.deepEqual(readPolicies(dataDir), policies)
})

test('openPolicies: a directory of an earlier version gets the policy that it lacks, and only that', (t) => {
  const dataDir = newDir(t)
  const file = join(dataDir, 'policies.json')
  // Its operator has removed `device` and added one.
  const earlier = openPolicies(dataDir).filter(({ name }) => ![OWNER, 'device'].includes(name))
  const own = { name: 'mine', rights: [], primaryKey: 'a2V5', secondaryKey: 'a2V5' }
  writeFileSync(file, JSON.stringify([...earlier, own]))
  const opened = openPolicies(dataDir)
  assert.deepEqual(opened.slice(0, -1), [...earlier, own])
  const added = opened.at(-1)
  assert.deepEqual([added?.name, added?.rights.includes('EnrollmentWrite')], [OWNER, true])
  assert.deepEqual(openPolicies(dataDir), opened)
})

test('openIdScope: made once; a damaged file is said', (t) => {
  const dataDir = newDir(t)
  const idScope = openIdScope(dataDir)
  assert.match(idScope, /^0ne[0-9a-f]{8}$/)
  assert.equal(openIdScope(dataDir), idScope)
  const file = join(dataDir, 'provisioning.json')
  assert.ok(readFileSync(file, 'utf8').includes(idScope))
  for (const text of ['', 'null', '{"idScope":"x"}']) {
    writeFileSync(file, text)
    assert.throws(() => openIdScope(dataDir), /is damaged/)
  }
})

function newDir(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'twinward-data-dir-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}
