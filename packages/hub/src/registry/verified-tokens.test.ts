import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SharedAccessPolicy } from './policies.ts'
import { MAX_VERIFIED_TOKENS, VerifiedTokens } from './verified-tokens.ts'

const policy: SharedAccessPolicy = {
  name: 'service',
  rights: ['ServiceConnect'],
  primaryKey: '',
  secondaryKey: '',
}
const token = { policy, scope: [], expiresAtMs: 1_767_225_600_000 }

test('a token is found by its whole text only', () => {
  const tokens = new VerifiedTokens()
  tokens.add('SharedAccessSignature sr=a&sig=b&se=1', token)
  assert.equal(tokens.find('SharedAccessSignature sr=a&sig=b&se=1'), token)
  assert.equal(tokens.find('SharedAccessSignature sr=a&sig=b&se=11'), undefined)
  assert.equal(tokens.find('SharedAccessSignature sr=a&sig=b&se='), undefined)
})

test('however many tokens come, the most recently used ones stay and no more', () => {
  const tokens = new VerifiedTokens()
  for (let i = 0; i < MAX_VERIFIED_TOKENS; i++) tokens.add(`token ${i}`, token)
  assert.equal(tokens.find('token 0'), token)
  tokens.add('one more', token)
  assert.equal(tokens.size, MAX_VERIFIED_TOKENS)
  assert.equal(tokens.find('token 0'), token)
  assert.equal(tokens.find('token 1'), undefined)
  assert.equal(tokens.find('token 2'), token)
  assert.equal(tokens.find('one more'), token)
})
