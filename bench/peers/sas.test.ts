import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { parseConnectionString, signSas } from './sas.ts'

test('signSas signs the encoded resource and the expiry, in the order that SDKs send', () => {
  const key = Buffer.alloc(32, 7).toString('base64')
  const token = signSas('hub.example/devices/d1', key)
  const match = /^SharedAccessSignature sr=(hub\.example%2Fdevices%2Fd1)&sig=(\S+)&se=(\d+)$/.exec(
    token,
  )
  assert.ok(match, token)
  const [, sr, sig = '', se] = match
  const hmac = createHmac('sha256', Buffer.alloc(32, 7)).update(`${sr}\n${se}`)
  assert.equal(decodeURIComponent(sig), hmac.digest('base64'))
})

test('parseConnectionString keeps the padding of the key', () => {
  const text = 'HostName=localhost;SharedAccessKeyName=iothubowner;SharedAccessKey=AbC=='
  assert.deepEqual(parseConnectionString(`${text}\n`), {
    hostName: 'localhost',
    policy: 'iothubowner',
    key: 'AbC==',
  })
  assert.throws(() => parseConnectionString('HostName=localhost'))
})
