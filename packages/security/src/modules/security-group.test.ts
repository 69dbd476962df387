import assert from 'node:assert/strict'
import { test } from 'node:test'
import { securityGroupOf } from './security-group.ts'

test('securityGroupOf: the device before the module, the capital before the small letter', () => {
  const module = { securityGroup: 'default' }
  assert.equal(securityGroupOf({ SecurityGroup: 'A', securityGroup: 'b' }, module), 'a')
  assert.equal(securityGroupOf({ securityGroup: 'Outside' }, module), 'outside')
  assert.equal(securityGroupOf({}, { SecurityGroup: 'inside' }), 'inside')
})

test('securityGroupOf: what is no name is passed over', () => {
  assert.equal(securityGroupOf({ SecurityGroup: ' ', securityGroup: 7 }), 'default')
})
