import assert from 'node:assert/strict'
import { webcrypto } from 'node:crypto'
import { test } from 'node:test'
import { CLOCK_SKEW_MS } from '@twinward/protocol'
import { type IssuedCertificate, issue, issueAuthority, x509 } from '../../test/certificate.ts'
import { type Certificate, readCertificate } from './certificate.ts'
import { type Chain, findChain } from './certificate-chain.ts'

const DAY_MS = 24 * 3600_000
const root = await issueAuthority('root')
const middle = await issueAuthority('middle', { issuer: root })
const low = await issueAuthority('low', { issuer: middle })
const leaf = await issue('pump-1', { issuer: low })

function read({ der }: { readonly der: Uint8Array }): Certificate {
  const certificate = readCertificate(der)
  assert.ok(certificate)
  return certificate
}

function find(
  certificate: IssuedCertificate,
  others: readonly IssuedCertificate[],
  authorities: readonly IssuedCertificate[],
  nowMs = Date.now(),
): Chain | string {
  return findChain(read(certificate), others.map(read), authorities.map(read), nowMs)
}

function holds(found: Chain | string): Chain {
  assert.ok(typeof found !== 'string', `${found}`)
  return found
}

test('a chain holds in any order, with the root among it, with what does not belong, or short', () => {
  const stranger = middle
  for (const others of [
    [low, middle],
    [middle, low],
    [low, middle, root],
    [root, stranger, low, middle],
  ]) {
    const { authority, intermediates } = holds(find(leaf, others, [root]))
    assert.equal(authority.commonName, 'root')
    assert.deepEqual(
      intermediates.map(({ commonName }) => commonName),
      ['low', 'middle'],
    )
  }
  assert.equal(holds(find(leaf, [], [low])).authority.commonName, 'low')
  assert.equal(holds(find(leaf, [low, middle], [root, middle])).authority.commonName, 'middle')
})

test('no chain without every certificate in between, nor to a CA that is not registered', async () => {
  const other = await issueAuthority('other')
  const reason = 'no registered CA issued the certificate'
  assert.equal(find(leaf, [low], [root]), reason)
  assert.equal(find(leaf, [], [root]), reason)
  assert.equal(find(leaf, [low, middle, root], []), reason)
  assert.equal(find(leaf, [low, middle, root], [other]), reason)
})

test('a name is no signature: a CA of the same name opens nothing', async () => {
  const namesake = await issueAuthority('root')
  assert.equal(find(leaf, [low, middle], [namesake]), 'a signature is wrong')
  const forged = await issue('pump-1', { issuer: { ...namesake, subject: low.subject } })
  assert.equal(find(forged, [low, middle], [root]), 'a signature is wrong')
  // The true one beside it still counts.
  assert.equal(
    holds(find(leaf, [low, middle], [namesake, root])).authority.sha256,
    read(root).sha256,
  )
})

test('an issuer must be an authority: a device’s certificate signs nobody', async () => {
  const victim = await issue('pump-2', { issuer: leaf })
  assert.equal(find(victim, [leaf, low, middle], [root]), 'an issuer is not an authority')
  const mute = await issue('mute', {
    issuer: root,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    ],
  })
  const below = await issue('pump-3', { issuer: mute })
  assert.equal(typeof find(below, [mute], [root]), 'string', 'it may not sign certificates')
})

test('an authority decides how long the chain below it may be', async () => {
  const short = await issueAuthority('short', { pathLength: 0 })
  const direct = await issue('pump-1', { issuer: short })
  holds(find(direct, [], [short]))
  const sub = await issueAuthority('sub', { issuer: short })
  const far = await issue('pump-1', { issuer: sub })
  assert.equal(find(far, [sub], [short]), 'the chain is longer than an authority allows')
  holds(find(far, [], [sub]))
})

test('dates: each certificate of the chain must be valid, and the first to end ends it', async () => {
  const nowMs = Date.now()
  const at = (offsetMs: number) => new Date(Math.floor((nowMs + offsetMs) / 1000) * 1000)
  const old = await issueAuthority('old', { issuer: root, notAfter: at(3600_000) })
  const device = await issue('pump-1', { issuer: old, notAfter: at(2 * 3600_000) })
  assert.equal(holds(find(device, [old], [root])).notAfterMs, at(3600_000).getTime())
  const expired = 'the certificate has expired'
  assert.equal(find(device, [old], [root], nowMs + 3601_000), expired)
  assert.equal(find(device, [old], [root], nowMs + 2 * DAY_MS), expired)
  const young = await issue('pump-1', { issuer: root, notBefore: at(3600_000) })
  assert.equal(find(young, [], [root]), 'the certificate is not valid yet')
  holds(find(young, [], [root], nowMs + 3600_000 - CLOCK_SKEW_MS + 1000))
})

test('extended key usage: a server’s certificate is no client’s; without any it may be', async () => {
  const usage = (...usages: string[]) =>
    issue('pump-1', { issuer: root, extensions: [new x509.ExtendedKeyUsageExtension(usages)] })
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage
  assert.equal(find(await usage(serverAuth), [], [root]), 'the certificate is not for clients')
  holds(find(await usage(serverAuth, clientAuth), [], [root]))
})

test('what is critical and not understood, name constraints and broken hashes are refused', async () => {
  const odd = await issue('pump-1', {
    issuer: root,
    extensions: [new x509.Extension('1.2.3.4', true, Uint8Array.of(5, 0))],
  })
  assert.equal(find(odd, [], [root]), 'it has a critical extension that is not understood')
  const known = await issue('pump-1', {
    issuer: root,
    extensions: [new x509.Extension('1.2.3.4', false, Uint8Array.of(5, 0))],
  })
  holds(find(known, [], [root]))
  const narrow = await issueAuthority('narrow', {
    issuer: root,
    extensions: [new x509.Extension('2.5.29.30', true, Uint8Array.of(0x30, 0))],
  })
  const below = await issue('pump-1', { issuer: narrow })
  assert.equal(find(below, [narrow], [root]), 'it has name constraints')
  assert.equal(find(await issueWithSha1(), [], [root]), 'its signature uses a broken hash')
})

test('many certificates of one name cost a bounded search', async () => {
  const twins: IssuedCertificate[] = []
  for (let index = 0; index < 8; index++) {
    twins.push(
      await issueAuthority('twin', index === 0 ? {} : { issuer: { ...root, subject: 'CN=twin' } }),
    )
  }
  const device = await issue('pump-1', { issuer: { ...root, subject: 'CN=twin' } })
  const startMs = performance.now()
  assert.equal(typeof find(device, twins, [root]), 'string')
  assert.ok(performance.now() - startMs < 1000)
})

test('common name: exactly one counts', async () => {
  assert.equal(read(leaf).commonName, 'pump-1')
  const several = await issue('', { subject: 'CN=pump-1, CN=pump-2' })
  assert.equal(read(several).commonName, undefined)
  assert.equal(read(await issue('', { subject: 'O=plant' })).commonName, undefined)
  for (const id of ["a,b+c=#d;e'(f)!", 'pump-1/azureiotsecurity', 'ä']) {
    assert.equal(read(await issue(id)).commonName, id)
  }
})

async function issueWithSha1(): Promise<IssuedCertificate> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-1' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.create({
    subject: 'CN=pump-1',
    issuer: root.subject,
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + DAY_MS),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: root.keys.privateKey,
  })
  return { ...leaf, der: new Uint8Array(certificate.rawData) }
}
