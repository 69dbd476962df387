import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatSas, parseSas, sasStringToSign } from './sas.ts'

const vectors = JSON.parse(
  readFileSync(new URL('../../../vectors/sas-tokens.json', import.meta.url), 'utf8'),
) as {
  key: string
  expiry: number
  valid: { resource: string; policyName?: string; token: string }[]
  received: { name: string; token: string }[]
  derivedKeys: { registrationId: string; key: string }[]
  malformed: string[]
}

function sign(text: string): string {
  return createHmac('sha256', Buffer.from(vectors.key, 'base64')).update(text).digest('base64')
}

for (const { resource, policyName, token } of vectors.valid) {
  test(`formatSas: ${resource} becomes the token of the SDKs`, () => {
    assert.equal(formatSas(resource, vectors.expiry, sign, policyName), token)
  })
}

for (const { name, token } of [
  ...vectors.valid.map(({ resource, token }) => ({ name: resource, token })),
  ...vectors.received,
]) {
  test(`parseSas: the signature covers the resource as received: ${name}`, () => {
    const parsed = parseSas(token)
    assert.ok(parsed)
    assert.equal(parsed.signature, sign(sasStringToSign(parsed)))
    assert.equal(parsed.expiresAtMs, vectors.expiry * 1000)
  })
}

for (const { registrationId, key } of vectors.derivedKeys) {
  test(`a group's key makes the key of ${registrationId} as it signs a token`, () => {
    assert.equal(sign(registrationId), key)
  })
}

for (const text of vectors.malformed) {
  test(`parseSas: refuses ${JSON.stringify(text)}`, () => {
    assert.equal(parseSas(text), undefined)
  })
}

test('parseSas: reads what formatSas writes, for every resource', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 200, unit: 'grapheme' }), (resource) => {
      const parsed = parseSas(formatSas(resource, vectors.expiry, sign))
      assert.ok(parsed)
      assert.equal(parsed.signature, sign(sasStringToSign(parsed)))
    }),
  )
})

test('parseSas: never throws, whatever the text', () => {
  fc.assert(fc.property(fc.string(), (text) => void parseSas(`SharedAccessSignature ${text}`)))
})
