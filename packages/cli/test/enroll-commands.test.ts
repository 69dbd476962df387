import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { CommandError, UsageError } from '../src/command.ts'
import { securityCredentials } from '../src/commands/security-credentials.ts'
import { securityEnroll } from '../src/commands/security-enroll.ts'
import { securityEnrollTokenCreate } from '../src/commands/security-enroll-token-create.ts'
import { securityEnrollTokenList } from '../src/commands/security-enroll-token-list.ts'
import { securityEnrollTokenRevoke } from '../src/commands/security-enroll-token-revoke.ts'
import { securityRotateKey } from '../src/commands/security-rotate-key.ts'
import { fakeContext, fakeInput } from './fake.ts'

const folder = mkdtempSync(join(tmpdir(), 'twinward-enroll-'))
after(() => rmSync(folder, { recursive: true }))

const url = 'https://hub.test:8443'
const enrolled = {
  deviceId: 'pump-1',
  moduleId: 'azureiotsecurity',
  connectionString:
    'HostName=hub.test;DeviceId=pump-1;ModuleId=azureiotsecurity;SharedAccessKey=a2V5',
  caCertificate: '-----BEGIN CERTIFICATE-----\n',
}
const listed = {
  ...{
    tokenId: '3f9a',
    deviceId: 'pump-1',
    moduleId: null,
    status: 'used',
    createdBy: 'iothubowner',
  },
  ...{ createdTimeUtc: '2026-01-31T12:00:00Z', expiresTimeUtc: '2026-01-31T13:00:00Z' },
  ...{ usedTimeUtc: '2026-01-31T12:30:00Z', usedAddress: '10.0.0.7' },
}

test('security enroll: the connection string goes to a file of its owner only, not to the screen', async () => {
  const output = join(folder, 'connection_string.txt')
  const caOutput = join(folder, 'ca.pem')
  const { context, calls, stdout, stderr } = fakeContext(() => enrolled, { stdin: 'secret\n' })
  await securityEnroll.run(fakeInput([], { url, output, caOutput }), context)
  assert.deepEqual(calls, [
    { method: 'POST', path: '/api/security/enroll', body: { token: 'secret' } },
  ])
  assert.equal(readFileSync(output, 'utf8'), `${enrolled.connectionString}\n`)
  assert.equal(statSync(output).mode & 0o777, 0o600)
  assert.equal(readFileSync(caOutput, 'utf8'), enrolled.caCertificate)
  assert.ok(!(stdout() + stderr()).includes('a2V5'))
  assert.match(stderr(), /pump-1\/azureiotsecurity is in/)
})

test('security enroll: what was there stays when the server refuses, and nothing is left over', async () => {
  const own = mkdtempSync(join(folder, 'own-'))
  const output = join(own, 'file')
  const refuse = () => {
    throw new CommandError('no')
  }
  const { context } = fakeContext(refuse)
  const input = fakeInput([], { url, output, token: 'x' })
  await assert.rejects(securityEnroll.run(input, context), /^CommandError: no$/)
  assert.deepEqual(readdirSync(own), [])
})

test('security enroll: a folder that takes no file does not cost the token', async () => {
  const { context, calls } = fakeContext(() => enrolled)
  const output = join(folder, 'no', 'such', 'file')
  const input = fakeInput([], { url, output, token: 'x' })
  await assert.rejects(securityEnroll.run(input, context), /cannot be written/)
  assert.deepEqual(calls, [])
})

test('security enroll: needs a server and a token', async () => {
  const { context } = fakeContext(() => enrolled)
  await assert.rejects(securityEnroll.run(fakeInput([], { token: 'x' }), context), UsageError)
  await assert.rejects(securityEnroll.run(fakeInput([], { url }), context), UsageError)
  const plain = fakeInput([], { url: 'http://hub', token: 'x' })
  await assert.rejects(securityEnroll.run(plain, context), UsageError)
})

test('security enroll-token: create prints the token, list shows who used one, revoke names it', async () => {
  const create = fakeContext(() => ({ ...listed, token: 'twenroll1.3f9a.secret' }))
  await securityEnrollTokenCreate.run(fakeInput(['pump-1'], { validFor: 10 }), create.context)
  assert.deepEqual(create.calls[0]?.body, { validForMinutes: 10 })
  assert.equal(create.calls[0]?.path, '/api/devices/pump-1/security/enrollment-tokens')
  assert.equal(create.stdout(), 'twenroll1.3f9a.secret\n')
  const list = fakeContext(() => ({ items: [listed], continuationToken: null }))
  await securityEnrollTokenList.run(fakeInput(['pump-1'], {}), list.context)
  assert.match(list.stdout(), /3f9a +used .* 10\.0\.0\.7$/m)
  const revoke = fakeContext(() => null)
  await securityEnrollTokenRevoke.run(fakeInput(['a#b', '3f9a'], {}), revoke.context)
  assert.equal(revoke.calls[0]?.path, '/api/devices/a%23b/security/enrollment-tokens/3f9a')
})

test('security credentials, security rotate-key: which key was used, and a new one', async () => {
  const modules = [
    {
      ...{ moduleId: 'azureiotsecurity', type: 'sas', rotatedTimeUtc: null },
      lastUsed: { credential: 'secondary', timeUtc: '2026-01-31T12:30:00Z' },
    },
  ]
  const shown = fakeContext(() => ({ deviceId: 'pump-1', modules }))
  await securityCredentials.run(fakeInput(['pump-1'], {}), shown.context)
  assert.match(shown.stdout(), /^azureiotsecurity +sas +secondary +2026-01-31 12:30:00Z +never$/m)
  const rotated = fakeContext(() => enrolled)
  await securityRotateKey.run(fakeInput(['pump-1'], { revoke: true }), rotated.context)
  assert.deepEqual(rotated.calls[0]?.body, { revoke: true })
  assert.equal(rotated.stdout(), `${enrolled.connectionString}\n`)
})
