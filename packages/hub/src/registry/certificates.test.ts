import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError, type HubErrorCode } from '@twinward/protocol'
import { type IssuedCertificate, issue, issueAuthority } from '../../test/certificate.ts'
import { InProcessBus } from '../adapters/memory/bus.ts'
import { MemoryCertificates } from '../adapters/memory/certificates.ts'
import type { Notice } from '../bus.ts'
import { silentLog } from '../log.ts'
import { formatIdentityEtag } from '../twins/etag.ts'
import { readCertificate } from './certificate.ts'
import { MAX_CERTIFICATES } from './certificate-store.ts'
import { Certificates } from './certificates.ts'

const NOW_MS = Date.now()
const clock = { now: () => NOW_MS, sleep: async () => {}, every: () => () => {} }
const plant = await issueAuthority('plant')
const other = await issueAuthority('other')

function open() {
  const bus = new InProcessBus(silentLog)
  const notices: Notice[] = []
  bus.subscribe((notice) => notices.push(notice))
  return {
    notices,
    certificates: new Certificates({ certificates: new MemoryCertificates(), bus, clock }),
  }
}

function isRefused(code: HubErrorCode, words = /./) {
  return (error: unknown) => {
    assert.ok(error instanceof HubError)
    assert.equal(error.code, code)
    assert.match(error.message, words)
    return true
  }
}

function revocation({ der }: IssuedCertificate): Notice {
  return { kind: 'authority-revoked', authorityId: readCertificate(der)?.sha256 ?? '' }
}

test('put: unverified unless said otherwise; a second one needs the etag of the first', async () => {
  const { certificates } = open()
  const made = await certificates.put('plant', { raw: plant.der }, undefined)
  assert.equal(made.isVerified, false)
  const write = { raw: plant.der, isVerified: true }
  await assert.rejects(certificates.put('Plant', write, undefined), isRefused('PreconditionFailed'))
  await assert.rejects(certificates.put('plant', write, 'stale'), isRefused('PreconditionFailed'))
  await assert.rejects(certificates.put('nobody', write, '*'), isRefused('CertificateNotFound'))
  const next = await certificates.put('plant', write, formatIdentityEtag(made.etag))
  assert.equal(next.isVerified, true)
  assert.equal(next.etag, made.etag + 1)
})

test('put: refuses what is no CA, has expired, is too large, or has another name already', async () => {
  const { certificates } = open()
  const put = (raw: Uint8Array, name = 'x') => certificates.put(name, { raw }, undefined)
  const refused = (raw: Uint8Array, words: RegExp) =>
    assert.rejects(put(raw), isRefused('ArgumentInvalid', words))
  await refused((await issue('pump-1')).der, /not a CA/)
  await refused((await issueAuthority('old', { notAfter: new Date(NOW_MS - 1000) })).der, /expired/)
  await refused(Uint8Array.of(1, 2, 3), /not one X.509 certificate/)
  await refused(new Uint8Array(20 * 1024), /at most 16 KiB/)
  await assert.rejects(put(plant.der, '../x'), isRefused('ArgumentInvalid', /name/))
  await put(plant.der, 'plant')
  await assert.rejects(put(plant.der, 'copy'), isRefused('GenericConflict'))
})

test(`put: ${MAX_CERTIFICATES} and no more`, async () => {
  const { certificates } = open()
  for (let index = 0; index < MAX_CERTIFICATES; index++) {
    const { der } = await issueAuthority(`ca ${index}`)
    await certificates.put(`ca-${index}`, { raw: der }, undefined)
  }
  await assert.rejects(
    certificates.put('one-more', { raw: plant.der }, undefined),
    isRefused('InvalidOperation', /25/),
  )
})

test('proof of possession: a certificate with the code as its name, signed by the CA', async () => {
  const { certificates } = open()
  await certificates.put('plant', { raw: plant.der }, undefined)
  const early = await issue('x', { issuer: plant })
  await assert.rejects(
    certificates.verify('plant', early.der, '*'),
    isRefused('ArgumentInvalid', /generate a verification code/),
  )
  const { verificationCode, etag } = await certificates.requestProof('plant', '*')
  const code = verificationCode ?? ''
  assert.match(code, /^[0-9A-F]{48}$/)
  const refused = async (proof: IssuedCertificate, words: RegExp) =>
    assert.rejects(
      certificates.verify('plant', proof.der, '*'),
      isRefused('ArgumentInvalid', words),
    )
  await refused(await issue(code), /not signed by the registered CA/)
  await refused(await issue(code, { issuer: other }), /not signed by the registered CA/)
  const forged = { ...other, subject: plant.subject }
  await refused(await issue(code, { issuer: forged }), /not signed by the registered CA/)
  await refused(await issue(`${code}0`, { issuer: plant }), /common name/)
  await refused(await issue(code, { issuer: plant, notAfter: new Date(NOW_MS - 1000) }), /expired/)
  const proof = await issue(code, { issuer: plant })
  await assert.rejects(
    certificates.verify('plant', proof.der, 'stale'),
    isRefused('PreconditionFailed'),
  )
  const verified = await certificates.verify('plant', proof.der, formatIdentityEtag(etag))
  assert.equal(verified.isVerified, true)
  assert.equal(verified.verificationCode, null)
  await assert.rejects(
    certificates.verify('plant', proof.der, '*'),
    isRefused('ArgumentInvalid', /generate a verification code/),
    'a code is good once',
  )
})

test('a new code replaces the old one', async () => {
  const { certificates } = open()
  await certificates.put('plant', { raw: plant.der }, undefined)
  const first = await certificates.requestProof('plant', '*')
  await certificates.requestProof('plant', '*')
  const proof = await issue(first.verificationCode ?? '', { issuer: plant })
  await assert.rejects(
    certificates.verify('plant', proof.der, '*'),
    isRefused('ArgumentInvalid', /common name/),
  )
})

test('remove, replace, unverify: tell that the CA is worth nothing any more, once it was', async () => {
  const { certificates, notices } = open()
  await certificates.put('plant', { raw: plant.der }, undefined)
  await certificates.remove('plant', '*')
  assert.deepEqual(notices, [], 'nobody could use it')

  const write = { raw: plant.der, isVerified: true }
  await certificates.put('plant', write, undefined)
  await certificates.requestProof('plant', '*')
  await certificates.put('plant', write, '*')
  assert.deepEqual(notices, [], 'it is still what it was')
  await certificates.put('plant', { raw: plant.der }, '*')
  assert.deepEqual(notices.splice(0), [revocation(plant)])
  await certificates.put('plant', write, '*')
  await certificates.put('plant', { raw: other.der, isVerified: true }, '*')
  assert.deepEqual(notices.splice(0), [revocation(plant)])
  await assert.rejects(certificates.remove('plant', undefined), isRefused('PreconditionFailed'))
  await assert.rejects(certificates.remove('plant', 'stale'), isRefused('PreconditionFailed'))
  await certificates.remove('plant', '*')
  assert.deepEqual(notices, [revocation(other)])
  await assert.rejects(certificates.remove('plant', '*'), isRefused('CertificateNotFound'))
})
