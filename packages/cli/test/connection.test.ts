import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Outcome } from './fake.ts'
import { runProgram, startProgram, type TestServer } from './program.ts'

let server: TestServer
let login = ''
before(async () => {
  server = await startProgram(['--hostname', 'hub.test'])
  login = (await server.run(['connection-string'])).stdout.trim()
})
after(() => server[Symbol.asyncDispose]())

function assertRefused({ code, stdout, stderr }: Outcome, says: RegExp): void {
  assert.match(stderr, says)
  assert.equal(code, 1)
  assert.equal(stdout, '')
}

function listDevices(
  options: readonly string[],
  env: { readonly [name: string]: string } = {},
): Promise<Outcome> {
  return runProgram(['device', 'list', '--json', ...options], { env })
}

test('--url and --login: reach the server from anywhere with its CA', async () => {
  const url = `https://127.0.0.1:${server.ready.httpsPort}`
  const env = { NODE_EXTRA_CA_CERTS: server.ready.caFile }
  const byFlags = await listDevices(['--url', url, '--login', login], env)
  assert.deepEqual([byFlags.code, byFlags.stdout], [0, '[]\n'])
  const variables = { ...env, TWINWARD_URL: url, TWINWARD_CONNECTION_STRING: login }
  const byEnvironment = await listDevices([], variables)
  assert.deepEqual([byEnvironment.code, byEnvironment.stdout], [0, '[]\n'])
})

test('a CA that is not trusted: says how to trust it', async () => {
  const url = `https://127.0.0.1:${server.ready.httpsPort}`
  assertRefused(await listDevices(['--url', url, '--login', login]), /NODE_EXTRA_CA_CERTS/)
})

test('a name that the certificate does not carry: says which', async () => {
  const url = `https://localhost:${server.ready.httpsPort}`
  const env = { NODE_EXTRA_CA_CERTS: server.ready.caFile }
  const outcome = await listDevices(['--url', url, '--login', login], env)
  assertRefused(outcome, /is not for 'localhost'.*--hostname localhost/)
})

test('a wrong key: says that the login is refused, without showing it', async () => {
  const url = `https://127.0.0.1:${server.ready.httpsPort}`
  const key = Buffer.from('a wrong key, a wrong key, a wrong').toString('base64')
  const wrong = `HostName=hub.test;SharedAccessKeyName=iothubowner;SharedAccessKey=${key}`
  const env = { NODE_EXTRA_CA_CERTS: server.ready.caFile }
  const outcome = await listDevices(['--url', url, '--login', wrong], env)
  assertRefused(outcome, /refuses this login.*\(IotHubUnauthorizedAccess\)/)
  assert.ok(!outcome.stderr.includes(key))
})

test('a policy without the right: says that the login is not right for this', async () => {
  const { stdout } = await server.run(['connection-string', '--policy', 'device'])
  const url = `https://127.0.0.1:${server.ready.httpsPort}`
  const env = { NODE_EXTRA_CA_CERTS: server.ready.caFile }
  const outcome = await listDevices(['--url', url, '--login', stdout.trim()], env)
  assertRefused(outcome, /refuses this login/)
})

test('nothing listens: says so', async () => {
  // Port 1 belongs to nobody.
  const outcome = await listDevices(['--url', 'https://127.0.0.1:1', '--login', login])
  assertRefused(outcome, /Nothing listens on 127\.0\.0\.1:1/)
})

test('a server that was killed: its data directory says that none runs', async () => {
  const copy = mkdtempSync(join(tmpdir(), 'twinward-cli-'))
  try {
    await using killed = await startProgram()
    for (const file of ['server.json', 'policies.json', 'tls']) {
      cpSync(join(killed.dataDir, file), join(copy, file), { recursive: true })
    }
    await killed.stop('SIGKILL')
    // Left behind, as it was.
    cpSync(join(copy, 'server.json'), join(killed.dataDir, 'server.json'))
    assertRefused(await killed.run(['device', 'list']), /^No server runs on /)
  } finally {
    rmSync(copy, { recursive: true })
  }
})

test('a port that speaks no HTTPS API: is not taken for a server', async () => {
  const url = `https://127.0.0.1:${server.ready.mqttPort}`
  const env = { NODE_EXTRA_CA_CERTS: server.ready.caFile }
  const outcome = await listDevices(['--url', url, '--login', login], env)
  assertRefused(outcome, /does not answer as a Twinward server|cannot be talked to/)
})
