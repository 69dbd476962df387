import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { formatConnectionString } from '@twinward/protocol'
import { readPolicies } from '../../src/data-dir.ts'
import { startTestServer } from '../server.ts'

const SCENARIO = fileURLToPath(new URL('amqp-service-sdk-scenario.ts', import.meta.url))
const mayBind443 = process.getuid?.() === 0

// The service SDK takes a private CA from NODE_EXTRA_CA_CERTS only, which Node reads when a process
// starts, and knows the ports 5671 and 443 alone.
for (const transport of ['Amqp', 'AmqpWs']) {
  test(`azure-iothub over ${transport}, unmodified: sends, and hears what became of its messages`, {
    skip: !mayBind443 && 'this user may not listen on port 443, the only one this SDK knows',
  }, async () => {
    await using server = await startTestServer({ httpsPort: 443, amqpPort: 5671 })
    const [owner] = readPolicies(server.dataDir)
    assert.ok(owner)
    await server.call('PUT', '/devices/pump-1', { body: { deviceId: 'pump-1' } })
    const service = formatConnectionString({
      hostName: server.host,
      sharedAccessKeyName: owner.name,
      sharedAccessKey: owner.primaryKey,
    })
    const device = (await server.connectionString('pump-1')).replace(/:\d+;/, ';')
    const args = ['--conditions=source', '--import', 'tsx', SCENARIO, transport, service, device]
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: server.caFile }
    const { stdout } = await promisify(execFile)(process.execPath, args, { env, timeout: 60_000 })
    assert.match(stdout, /all steps passed/)
  })
}
