import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { CommandError, UsageError } from './command.ts'
import { resolveTarget } from './target.ts'

const LOGIN = 'HostName=hub.example.net:8443;SharedAccessKeyName=service;SharedAccessKey=a2V5'
let dataDir = ''

before(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'twinward-target-'))
  const caFile = join(dataDir, 'ca.pem')
  writeFileSync(caFile, 'PEM')
  announce({ listen: '0.0.0.0' })
  writeFileSync(
    join(dataDir, 'policies.json'),
    JSON.stringify([{ name: 'iothubowner', primaryKey: 'b3duZXI=' }]),
  )
})
after(() => rmSync(dataDir, { recursive: true }))

function announce(change: object): void {
  const ready = {
    hostName: 'hub.test',
    listen: '127.0.0.1',
    mqttPort: 1,
    httpsPort: 2,
    caFile: join(dataDir, 'ca.pem'),
    ...change,
  }
  writeFileSync(join(dataDir, 'server.json'), JSON.stringify(ready))
}

test('resolveTarget: the server of a data directory, dialled where it listens', () => {
  announce({ listen: '::' })
  const target = resolveTarget({ dataDir }, {})
  assert.equal(target.host, '::1')
  assert.equal(target.tlsName, 'hub.test')
  assert.equal(target.hostName, 'hub.test')
  assert.deepEqual(target.policy?.primaryKey, 'b3duZXI=')
  announce({ listen: '0.0.0.0' })
  assert.equal(resolveTarget({ dataDir }, {}).host, '127.0.0.1')
  announce({ listen: '127.0.0.7' })
  assert.equal(resolveTarget({ dataDir }, {}).host, '127.0.0.7')
})

test('resolveTarget: without a server it says how to start one', () => {
  assert.throws(
    () => resolveTarget({ dataDir: '/nonexistent' }, {}),
    (error) =>
      error instanceof CommandError && /No server runs on .*twinward up/.test(error.message),
  )
})

test('resolveTarget: a login alone names its server, with the port', () => {
  const target = resolveTarget({ login: LOGIN }, {})
  assert.equal(target.host, 'hub.example.net')
  assert.equal(target.httpsPort, 8443)
  assert.equal(target.hostName, 'hub.example.net')
  assert.equal(target.policy?.name, 'service')
  assert.equal(target.ca, undefined)
})

test('resolveTarget: --url is dialled, the login’s host name signs', () => {
  const target = resolveTarget({ url: 'https://[::1]:9', login: LOGIN }, {})
  assert.deepEqual([target.host, target.httpsPort, target.tlsName], ['::1', 9, '::1'])
  assert.equal(target.hostName, 'hub.example.net')
})

test('resolveTarget: --url without a login is refused with what to give', () => {
  assert.throws(() => resolveTarget({ url: 'https://hub' }, {}), /--login/)
})

test('resolveTarget: --url with --data-dir takes login and CA from there', () => {
  const target = resolveTarget({ url: 'https://localhost:9', dataDir }, {})
  assert.equal(target.policy?.primaryKey, 'b3duZXI=')
  assert.equal(target.ca?.[0], 'PEM')
  assert.equal(target.hostName, 'hub.test')
})

test('resolveTarget: flags win over the environment', () => {
  const environment = { TWINWARD_URL: 'https://other', TWINWARD_CONNECTION_STRING: LOGIN }
  assert.equal(resolveTarget({}, environment).name, 'https://other')
  assert.equal(resolveTarget({ url: 'https://mine' }, environment).name, 'https://mine')
  assert.equal(resolveTarget({ dataDir }, environment).name, dataDir)
  assert.equal(resolveTarget({}, { TWINWARD_DATA_DIR: dataDir }).name, dataDir)
})

test('resolveTarget: only https addresses are taken', () => {
  for (const url of ['http://hub', 'hub:8443', 'ftp://hub', '']) {
    assert.throws(() => resolveTarget({ url, login: LOGIN }, {}), UsageError, url)
  }
})
