import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { formatConnectionString } from '@twinward/protocol'
import { readPolicies } from '../../src/data-dir.ts'
import { startTestServer } from '../server.ts'

const SCENARIO = fileURLToPath(new URL('service-sdk-registry-scenario.ts', import.meta.url))
const mayBind443 = process.getuid?.() === 0

// In a process of its own: see service-sdk.test.ts.
test('azure-iothub, unmodified: bulk operations, modules, statistics, import and export jobs', {
  skip: !mayBind443 && 'this user may not listen on port 443, the only one this SDK knows',
}, async () => {
  await using server = await startTestServer({ httpsPort: 443 })
  const [owner] = readPolicies(server.dataDir)
  assert.ok(owner)
  const connectionString = formatConnectionString({
    hostName: server.host,
    sharedAccessKeyName: owner.name,
    sharedAccessKey: owner.primaryKey,
  })
  const container = pathToFileURL(join(server.dataDir, 'exchange')).href
  const args = ['--conditions=source', '--import', 'tsx', SCENARIO, connectionString, container]
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: server.caFile }
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, timeout: 60_000 })
  assert.match(stdout, /all steps passed/)
})
