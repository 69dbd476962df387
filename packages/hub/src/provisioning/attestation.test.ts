import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { formatSas, parseSas, type SasToken } from '@twinward/protocol'
import { issue, issueAuthority } from '../../test/certificate.ts'
import { enrollment } from '../../test/contracts/enrollment-store.ts'
import { readCertificate } from '../registry/certificate.ts'
import { attestByCertificate, attestByKey, deriveKey } from './attestation.ts'
import type { Attestation, Enrollment } from './enrollment.ts'

/** The key of the vectors (06 §2). */
const KEY = 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY='
const OTHER = Buffer.alloc(32, 7).toString('base64')

test('deriveKey: the key of a group’s device is that of the vectors', () => {
  assert.equal(deriveKey(KEY, 'reg-1'), 'YNjE5wCiB/QiFCiTQDa9LbvyCVWcu2EMyrO/zzqr7Ko=')
})

test('attestByKey: the token of the vectors opens an individual enrolment by either key', () => {
  const text =
    'SharedAccessSignature sr=0ne00000001/registrations/reg-1&sig=dlsn5nL9H8PK2pUpPiqIBUTiAmG81%2BbyJuvEdkQbmp8%3D&skn=registration&se=1700000000'
  const token = parseSas(text)
  assert.ok(token)
  for (const keys of [
    { primaryKey: KEY, secondaryKey: OTHER },
    { primaryKey: OTHER, secondaryKey: KEY },
  ]) {
    const individual = withAttestation('individual', 'reg-1', { type: 'symmetricKey', ...keys })
    const attested = attestByKey(token, { registrationId: 'reg-1', individual, groups: [] })
    assert.equal(attested?.enrollment, individual)
    assert.deepEqual(attested.authentication, { type: 'sas', symmetricKey: keys })
  }
})

test('attestByKey: a derived key finds its group among others and becomes the device’s', () => {
  const groups = [group('a', OTHER), group('b', KEY), group('c', OTHER)]
  const own = deriveKey(KEY, 'pump-1')
  const attested = attestByKey(signed('pump-1', own), candidates('pump-1', groups))
  assert.equal(attested?.enrollment.id, 'b')
  assert.equal(attested.authentication.symmetricKey?.primaryKey, own)
})

test('attestByKey: neither the group’s own key nor the key of another device opens it', () => {
  const groups = [group('b', KEY)]
  for (const key of [KEY, deriveKey(KEY, 'pump-2'), 'AAAA']) {
    assert.equal(attestByKey(signed('pump-1', key), candidates('pump-1', groups)), undefined)
  }
})

test('attestByKey: an individual enrolment takes its device out of the group', () => {
  const individual = group('x', OTHER)
  const shown = { ...candidates('pump-1', [group('b', KEY)]), individual }
  assert.equal(attestByKey(signed('pump-1', deriveKey(KEY, 'pump-1')), shown), undefined)
  const x509 = withAttestation('individual', 'pump-1', {
    ...{ type: 'client', primary: 'AA==', secondary: null },
  })
  const both = { ...shown, individual: x509 }
  assert.equal(attestByKey(signed('pump-1', deriveKey(KEY, 'pump-1')), both), undefined)
  assert.equal(attestByKey(signed('pump-1', 'AAAA'), both), undefined, 'the decoy opens nothing')
})

const root = await issueAuthority('plant root')
const line = await issueAuthority('plant line 1', { issuer: root })
const pump = await issue('pump-1', { issuer: line })
const stranger = await issue('pump-1', { issuer: await issueAuthority('plant line 1') })

test('attestByCertificate: the nearest CA of a group counts, and the common name', () => {
  const groups = [signedBy('root', root.der), signedBy('line', line.der)]
  const attested = attestByCertificate(shown(pump.der, [line.der]), candidates('Pump-1', groups))
  assert.ok(typeof attested === 'object')
  assert.equal(attested.enrollment.id, 'line')
  const { sha256 } = certificate(pump.der)
  const { x509Thumbprint } = attested.authentication
  assert.equal(x509Thumbprint?.primaryThumbprint, sha256.toUpperCase())
  const other = attestByCertificate(shown(pump.der, [line.der]), candidates('pump-2', groups))
  assert.match(String(other), /common name/)
  const forged = attestByCertificate(shown(stranger.der), candidates('pump-1', groups))
  assert.equal(typeof forged, 'string')
})

test('attestByCertificate: a registered CA counts only while it is verified', () => {
  const authority = withAttestation('group', 'plant', {
    ...{ type: 'authority', primary: 'Plant', secondary: null },
  })
  for (const isVerified of [true, false]) {
    const registered = { name: 'plant', etag: 1, raw: root.der, isVerified, verificationCode: null }
    const attested = attestByCertificate(
      {
        ...shown(pump.der, [line.der]),
        registered: [{ ...registered, createdMs: 0, updatedMs: 0 }],
      },
      candidates('pump-1', [authority]),
    )
    assert.equal(typeof attested, isVerified ? 'object' : 'string')
  }
})

test('attestByCertificate: an individual’s own certificate, and no other of the same name', async () => {
  const self = await issue('pump-1')
  const individual = withAttestation('individual', 'pump-1', {
    type: 'client',
    primary: base64(stranger.der),
    secondary: base64(self.der),
  })
  const among = { registrationId: 'pump-1', individual, groups: [signedBy('line', line.der)] }
  const attested = attestByCertificate(shown(self.der), among)
  assert.ok(typeof attested === 'object')
  assert.equal(attested.authentication.type, 'selfSigned')
  assert.equal(typeof attestByCertificate(shown(pump.der), among), 'string', 'nor by the group')
  const late = { ...shown(self.der), nowMs: Date.now() + 7 * 24 * 3600_000 }
  assert.match(String(attestByCertificate(late, among)), /expired/)
})

function candidates(registrationId: string, groups: readonly Enrollment[]) {
  return { registrationId, individual: undefined, groups }
}

function group(id: string, primaryKey: string): Enrollment {
  return withAttestation('group', id, {
    ...{ type: 'symmetricKey', primaryKey, secondaryKey: Buffer.alloc(32, 9).toString('base64') },
  })
}

function signedBy(id: string, der: Uint8Array): Enrollment {
  const attestation: Attestation = { type: 'signing', primary: base64(der), secondary: null }
  return withAttestation('group', id, attestation)
}

function withAttestation(kind: 'individual' | 'group', id: string, attestation: Attestation) {
  const one = enrollment(kind, id)
  return { ...one, settings: { ...one.settings, attestation } }
}

function shown(leaf: Uint8Array, others: readonly Uint8Array[] = []) {
  return {
    leaf: certificate(leaf),
    others: others.map(certificate),
    registered: [],
    nowMs: Date.now(),
  }
}

function certificate(der: Uint8Array) {
  const read = readCertificate(der)
  assert.ok(read)
  return read
}

function base64(der: Uint8Array): string {
  return Buffer.from(der).toString('base64')
}

function signed(registrationId: string, key: string): SasToken {
  const sign = (text: string) =>
    createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64')
  const text = formatSas(`0ne00000001/registrations/${registrationId}`, 1_900_000_000, sign)
  const token = parseSas(text)
  assert.ok(token)
  return token
}
