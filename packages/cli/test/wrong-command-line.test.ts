import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runHere } from './fake.ts'

const POLICY = 'HostName=h;SharedAccessKeyName=service;SharedAccessKey=a2V5'

const WRONG: readonly (readonly [line: readonly string[], says: RegExp])[] = [
  [[], /Usage: twinward/],
  [['devices'], /unknown command.*\n.*device/],
  [['device'], /Usage: twinward device/],
  [['device', 'create'], /missing required argument 'id'/],
  [['device', 'create', 'a', 'b'], /too many arguments/],
  [['device', 'create', 'not an id'], /'not an id' is not an id/],
  [['device', 'delete', ''], /'' is not an id/],
  [['device', 'create', 'a', '--auth', 'password'], /sas, x509/],
  [['device', 'create', 'a', '--auth', 'x509'], /--primary-thumbprint/],
  [['device', 'create', 'a', '--primary-thumbprint', 'AB'], /--auth x509/],
  [['device', 'list', '--top', '0'], /whole number from 1 to 1000/],
  [['device', 'list', '--nope'], /unknown option '--nope'/],
  [['device', 'update', 'a'], /Nothing to change/],
  [['module', 'update', 'a', 'm'], /Nothing to change/],
  [['twin', 'update', 'a'], /--desired or --tags/],
  [['twin', 'update', 'a', '--tags', '{'], /--tags is not JSON/],
  [['twin', 'update', 'a', '--desired', '[1]'], /must be a JSON object/],
  [['up', '--mqtt-port', '70000'], /whole number from 0 to 65535/],
  [['up', '--https-port', 'x'], /whole number/],
  [['connection-string', '--module', 'm'], /--module needs --device/],
  [['connection-string', '--policy', 'p', '--device', 'd'], /not both/],
  [['send', 'a'], /--file and --data/],
  [['send', 'a', '--data', 'x', '--file', 'y'], /--file and --data/],
  [['send', 'a', '--data', 'x', '--property', 'novalue'], /expected name=value/],
  [['send', 'a', '--data', 'x'.repeat(256 * 1024 + 1)], /at most 262144 bytes/],
  [['c2d', 'send', 'a'], /--file and --data/],
  [['c2d', 'send', 'a', '--data', 'x', '--ack', 'all'], /none, positive, negative, full/],
  [['c2d', 'send', 'a', '--data', 'x', '--ttl', '0'], /whole number from 1 to 172800/],
  [['c2d', 'send', 'a', '--data', 'x'.repeat(64 * 1024 + 1)], /at most 65536 bytes/],
  [['security', 'alerts', '--status', 'Open'], /Active, InProgress/],
  [['security', 'alerts', 'update', 'id'], /Nothing to change/],
  [
    ['security', 'alerts', '--all', '--limit', '5', '--url', 'https://h', '--login', POLICY],
    /not both|either/,
  ],
  [['security', 'config', 'set', 'a', 'novalue', '--url', 'https://h'], /expected setting=value/],
  [['enrollment', 'create', '--attestation', 'x509'], /--individual and --group/],
  [['device', 'list', '--url', 'http://h', '--login', POLICY], /is not the address of a server/],
  [['device', 'list', '--login', 'nonsense'], /--login: A connection string/],
  [['device', 'list', '--login', 'HostName=h;DeviceId=d;SharedAccessKey=a2V5'], /of a policy/],
]

for (const [line, says] of WRONG) {
  const name = line.join(' ').slice(0, 80)
  test(`2 and a reason on standard error: twinward ${name}`, async () => {
    const { code, stdout, stderr } = await runHere(line)
    assert.match(stderr, says)
    assert.equal(code, 2)
    assert.equal(stdout, '')
  })
}

test('a login that is refused is not repeated with its key', async () => {
  const line = ['device', 'list', '--login', 'HostName=h;DeviceId=d;SharedAccessKey=c2VjcmV0']
  const { stderr } = await runHere(line)
  assert.ok(!stderr.includes('c2VjcmV0'))
})
