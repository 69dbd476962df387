import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DeviceRef, HubError } from '@twinward/protocol'
import fc from 'fast-check'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import { readCertificate } from '../../src/registry/certificate.ts'
import { issue, issueAuthority } from '../certificate.ts'
import { makeHub, makeToken } from '../hub.ts'

// Whatever a stranger shows for itself: a refusal that is a HubError, soon, and never a way in.

/** One check takes well under a millisecond; a search that runs away takes seconds. */
const MAX_CHECK_MS = 500

const hub = makeHub()
const ref: DeviceRef = { deviceId: 'pump-1' }
const byAuthority: DeviceRef = { deviceId: 'pump-2' }
const key = await hub.keyOf(ref)
await hub.identities.createDevice('pump-2', { authentication: { type: 'certificateAuthority' } })
const root = await issueAuthority('root')
const middle = await issueAuthority('middle', { issuer: root })
const leaf = await issue('pump-2', { issuer: middle })
await hub.certificates.put('root', { raw: root.der, isVerified: true }, undefined)

/** @returns whether it opened something */
async function attempt(action: () => unknown): Promise<boolean> {
  const startMs = performance.now()
  try {
    await action()
    return true
  } catch (error) {
    if (!(error instanceof HubError)) throw error
    return false
  } finally {
    assert.ok(performance.now() - startMs < MAX_CHECK_MS, 'it takes too long')
  }
}

interface Change {
  readonly at: number
  readonly kind: 'set' | 'insert' | 'remove' | 'cut'
  readonly value: number
}

const changes = fc.array(
  fc.record<Change>({
    at: fc.nat(),
    kind: fc.constantFrom('set', 'insert', 'remove', 'cut'),
    value: fc.oneof(fc.nat(255), fc.constantFrom(0x30, 0x80, 0x84, 0xff, 0)),
  }),
  { minLength: 1, maxLength: 6 },
)

function mutate(bytes: Uint8Array, list: readonly Change[]): Uint8Array {
  let all = [...bytes]
  for (const { at, kind, value } of list) {
    const index = all.length === 0 ? 0 : at % all.length
    if (kind === 'set') all[index] = value
    else if (kind === 'insert') all.splice(index, 0, value)
    else if (kind === 'remove') all.splice(index, 1)
    else if (value % 16 === 0) all = all.slice(0, index)
  }
  return Uint8Array.from(all)
}

test('tokens: any text is refused with a HubError, to devices and services', async () => {
  const field = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('sr', 'sig', 'se', 'skn', '=', '&', '%', '%2', 'localhost%2Fdevices%2Fpump-1'),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(field), async (parts) => {
      const text = `SharedAccessSignature ${parts.join('')}`
      assert.equal(await attempt(() => hub.authenticator.connect(ref, { token: text })), false)
      assert.equal(await attempt(() => hub.authenticator.owner('pump-1', { token: text })), false)
      const call = { authorization: text, path: `/${parts.join('/')}` }
      assert.equal(await attempt(() => hub.authenticator.service(call, 'RegistryRead')), false)
    }),
  )
})

test('tokens: a good one with any character changed opens nothing more', async () => {
  const good = makeToken(key, ref)
  const edit = fc.record({ at: fc.nat(good.length - 1), to: fc.string({ maxLength: 3 }) })
  await fc.assert(
    fc.asyncProperty(edit, async ({ at, to }) => {
      const text = good.slice(0, at) + to + good.slice(at + 1)
      const isOpen = await attempt(() => hub.authenticator.connect(ref, { token: text }))
      // Only spellings of the same token: the case of a field's name or of an escape in `sig`, or a
      // further field, which nobody reads.
      if (isOpen) assert.equal(meaning(text), meaning(good), text)
    }),
  )
})

/** What of a token counts. */
function meaning(text: string): string {
  const fields = new Map(
    text
      .slice('SharedAccessSignature '.length)
      .split('&')
      .map((pair) => [
        pair.slice(0, pair.indexOf('=')).toLowerCase(),
        pair.slice(pair.indexOf('=') + 1),
      ]),
  )
  const signature = Buffer.from(decodeURIComponent(fields.get('sig') ?? ''), 'base64')
  return [fields.get('sr'), fields.get('se'), signature.toString('hex')].join('\n')
}

test('certificates: a chain with any byte changed opens nothing, unless its certificates hold', async () => {
  await fc.assert(
    fc.asyncProperty(changes, changes, fc.nat(3), async (first, second, which) => {
      const raw = which === 1 ? leaf.der : mutate(leaf.der, first)
      const above = which === 2 ? middle.der : mutate(middle.der, second)
      const certificate = { raw, chain: [above, root.der] }
      const proof = { token: '', certificate }
      if (!(await attempt(() => hub.authenticator.connect(byAuthority, proof)))) return
      assert.deepEqual(readCertificate(raw)?.x509.raw, Buffer.from(leaf.der))
    }),
    fuzzRuns(400),
  )
})

test('certificates: garbage in the chain does not keep a good one out', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 }),
      async (junk) => {
        const certificate = { raw: leaf.der, chain: [...junk, middle.der] }
        assert.ok(
          await attempt(() => hub.authenticator.connect(byAuthority, { token: '', certificate })),
        )
      },
    ),
  )
})

test('certificates: what is registered or proves possession may be any bytes', async () => {
  await hub.certificates.put('middle', { raw: middle.der }, undefined)
  const { verificationCode } = await hub.certificates.requestProof('middle', '*')
  const proof = await issue(verificationCode ?? '', { issuer: middle })
  await fc.assert(
    fc.asyncProperty(changes, async (list) => {
      const changed = mutate(proof.der, list)
      if (await attempt(() => hub.certificates.verify('middle', changed, '*'))) {
        assert.deepEqual(readCertificate(changed)?.x509.raw, Buffer.from(proof.der))
        await hub.certificates.put('middle', { raw: middle.der }, '*')
        await hub.certificates.requestProof('middle', '*')
      }
      await attempt(() => hub.certificates.put('any', { raw: mutate(root.der, list) }, undefined))
      await attempt(() => hub.certificates.remove('any', '*'))
    }),
    fuzzRuns(400),
  )
})
