import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { formatConnectionString } from '@twinward/protocol'
import { issue, issueAuthority } from '../../../hub/test/certificate.ts'
import { readPolicies } from '../../src/data-dir.ts'
import { startTestServer, type TestServer } from '../server.ts'
import type { Scenario } from './provisioning-sdk-scenario.ts'

const SCENARIO = fileURLToPath(new URL('provisioning-sdk-scenario.ts', import.meta.url))

// They take a private CA from NODE_EXTRA_CA_CERTS only, which Node reads when a process starts, and
// speak HTTPS only on port 443, AMQP only on 5671.
test('azure-iot-provisioning-device over MQTT, AMQP, WebSocket and HTTPS, -service, unmodified: keys, certificates', {
  skip:
    process.getuid?.() !== 0 &&
    'this user may not listen on port 443, the only one these SDKs know',
}, async () => {
  await using server = await startTestServer({ httpsPort: 443, amqpPort: 5671 })
  const file = join(server.dataDir, 'scenario.json')
  writeFileSync(file, JSON.stringify(await scenarioOf(server)))
  const args = ['--conditions=source', '--import', 'tsx', SCENARIO, file]
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: server.caFile }
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, timeout: 60_000 })
  assert.match(stdout, /all steps passed/)
})

async function scenarioOf(server: TestServer): Promise<Scenario> {
  const { body } = await server.call('GET', '/api/provisioning')
  const self = await issue('self-1')
  const signer = await issueAuthority('line 1', { issuer: await issueAuthority('plant') })
  const signed = await issue('signed-1', { issuer: signer })
  return {
    host: server.host,
    mqttPort: server.ready.mqttPort,
    idScope: body.idScope,
    provisioningLogin: loginOf(server, 'provisioningserviceowner'),
    hubLogin: loginOf(server, 'iothubowner'),
    self: { cert: self.cert, key: self.key },
    signed: { cert: signed.cert, key: signed.key },
    signer: signer.cert,
  }
}

function loginOf({ host, dataDir }: TestServer, name: string): string {
  const policy = readPolicies(dataDir).find((candidate) => candidate.name === name)
  assert.ok(policy)
  return formatConnectionString({
    hostName: host,
    sharedAccessKeyName: name,
    sharedAccessKey: policy.primaryKey,
  })
}
