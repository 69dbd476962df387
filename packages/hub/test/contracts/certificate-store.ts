import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type CertificateStore,
  MAX_CERTIFICATES,
  type RegisteredCertificate,
} from '../../src/registry/certificate-store.ts'

/** What every CertificateStore must do. Each adapter's test calls this with a way to open an empty one. */
export function certificateStoreContract(open: () => Promise<CertificateStore>): void {
  test('find, list: a certificate comes back exactly as it was stored, in the order of names', async () => {
    const store = await open()
    assert.equal(await store.find('plant-b'), undefined)
    const b = certificate('plant-b', 2, { isVerified: true, verificationCode: 'A1' })
    const a = certificate('Plant-A', 1)
    assert.equal(await store.insert(b), 'inserted')
    assert.equal(await store.insert(a), 'inserted')
    assert.deepEqual(plain(await store.find('plant-b')), plain(b))
    assert.deepEqual((await store.list()).map(plain), [a, b].map(plain))
  })

  test('insert: a name in any case and a certificate are taken once', async () => {
    const store = await open()
    await store.insert(certificate('plant', 1))
    assert.equal(await store.insert(certificate('PLANT', 2)), 'taken')
    assert.equal(await store.insert(certificate('other', 1)), 'taken')
    assert.equal((await store.list()).length, 1)
    assert.equal((await store.find('Plant'))?.name, 'plant')
  })

  test('insert: of many at once no more than the limit come in; a taken name is told before that', async () => {
    const store = await open()
    const all = Array.from({ length: MAX_CERTIFICATES + 3 }, (_, n) => certificate(`ca-${n}`, n))
    const outcomes = await Promise.all(all.map((one) => store.insert(one)))
    assert.equal(outcomes.filter((outcome) => outcome === 'inserted').length, MAX_CERTIFICATES)
    assert.equal(outcomes.filter((outcome) => outcome === 'full').length, 3)
    assert.equal((await store.list()).length, MAX_CERTIFICATES)
    assert.equal(await store.insert(certificate('CA-0', 200)), 'taken')
    assert.equal(await store.insert(certificate('new', 200)), 'full')
  })

  test('replace: of many writers that read the same etag, one wins', async () => {
    const store = await open()
    const first = certificate('plant', 1)
    await store.insert(first)
    const codes = ['A', 'B', 'C', 'D']
    const outcomes = await Promise.all(
      codes.map((verificationCode) =>
        store.replace({ ...first, etag: first.etag + 1, verificationCode }, first.etag),
      ),
    )
    assert.deepEqual([...outcomes].sort(), ['changed', 'changed', 'changed', 'replaced'])
    const winner = codes[outcomes.indexOf('replaced')]
    assert.equal((await store.find('plant'))?.verificationCode, winner)
  })

  test('replace: another name’s certificate is taken; what is not there has changed', async () => {
    const store = await open()
    const first = certificate('plant', 1)
    await store.insert(first)
    await store.insert(certificate('other', 2))
    assert.equal(await store.replace({ ...first, raw: raw(2) }, first.etag), 'taken')
    assert.equal(await store.replace(certificate('nobody', 3), 1), 'changed')
    assert.deepEqual(plain(await store.find('plant')), plain(first))
  })

  test('remove: only with its etag', async () => {
    const store = await open()
    const { etag } = certificate('plant', 1)
    await store.insert(certificate('plant', 1))
    assert.equal(await store.remove('plant', etag + 1), false)
    assert.equal(await store.remove('Plant', etag), true)
    assert.equal(await store.remove('plant', etag), false)
    assert.deepEqual(await store.list(), [])
  })
}

export function certificate(
  name: string,
  seed: number,
  changes: Partial<RegisteredCertificate> = {},
): RegisteredCertificate {
  return {
    name,
    etag: 4_000_000_000 + seed,
    raw: raw(seed),
    isVerified: false,
    verificationCode: null,
    createdMs: 1_767_225_600_000,
    updatedMs: 1_767_225_600_001,
    ...changes,
  }
}

/** Stores do not look into it. */
function raw(seed: number): Uint8Array {
  return Uint8Array.from({ length: 600 }, (_, index) => (index * 7 + seed) % 256)
}

/** Bytes compare as bytes, whatever class holds them. */
function plain(stored: RegisteredCertificate | undefined) {
  return stored && { ...stored, raw: Buffer.from(stored.raw).toString('hex') }
}
