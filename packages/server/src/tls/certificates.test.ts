import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect, createServer } from 'node:tls'
import { readConfig } from '../config/read-config.ts'
import { serverCertificate } from './certificates.ts'

const DAY_MS = 24 * 3600_000

test('first start: a client that trusts the CA reaches every hostname and the listen address', async (t) => {
  const folder = dataDir(t)
  const { settings } = readConfig(
    { hostnames: ['hub.example.net', 'hub'], listen: '127.0.0.1' },
    {},
  )
  const made = await serverCertificate(folder, settings, Date.now())
  const server = createServer({ cert: made.certificate, key: made.key }, (socket) => socket.end())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  for (const host of ['hub.example.net', 'hub', '127.0.0.1']) {
    const client = connect({
      port,
      host: '127.0.0.1',
      ca: readFileSync(made.caFile),
      ...(host !== '127.0.0.1' && { servername: host }),
    })
    await once(client, 'secureConnect')
    assert.ok(client.authorized, host)
    client.destroy()
  }
})

test('private keys are readable by their owner only', async (t) => {
  const folder = dataDir(t)
  await serverCertificate(folder, readConfig({}, {}).settings, Date.now())
  for (const name of ['ca-key.pem', 'server-key.pem']) {
    assert.equal(statSync(join(folder, 'tls', name)).mode & 0o777, 0o600, name)
  }
})

test('a later start keeps CA and certificate; a new hostname gets a new certificate by the same CA', async (t) => {
  const folder = dataDir(t)
  const nowMs = Date.now()
  const first = await serverCertificate(folder, readConfig({}, {}).settings, nowMs)
  const again = await serverCertificate(folder, readConfig({}, {}).settings, nowMs)
  assert.equal(again.certificate, first.certificate)
  const { settings } = readConfig({ hostnames: ['other.example.net'] }, {})
  const other = await serverCertificate(folder, settings, nowMs)
  assert.notEqual(other.certificate, first.certificate)
  const ca = new X509Certificate(readFileSync(other.caFile))
  assert.ok(new X509Certificate(other.certificate).verify(ca.publicKey))
})

test('a certificate that runs out within 60 days is made anew', async (t) => {
  const folder = dataDir(t)
  const { settings } = readConfig({}, {})
  const nowMs = Date.now()
  const first = await serverCertificate(folder, settings, nowMs)
  const later = await serverCertificate(folder, settings, nowMs + 300 * DAY_MS)
  assert.equal(later.certificate, first.certificate)
  const renewed = await serverCertificate(folder, settings, nowMs + 340 * DAY_MS)
  assert.notEqual(renewed.certificate, first.certificate)
})

function dataDir(t: { after(done: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'twinward-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}
