import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError, type Identity } from '@twinward/protocol'
import { scopesOfNew, scopesOfRestored, scopesOfUpdated } from './scopes.ts'

// 01 §6, row by row.

const PARENT = 'ms-azure-iot-edge://gateway-638000000000000000'
const OWN = 'ms-azure-iot-edge://pump-1-7'
const edge = { iotEdge: true, deviceScope: OWN } as Identity
const leaf = { iotEdge: false } as Identity

function refuses(words: RegExp) {
  return (error: unknown) =>
    error instanceof HubError && error.code === 'InvalidDeviceScope' && words.test(error.message)
}

test('scopesOfNew: an edge device gets a scope, whatever the caller says', () => {
  assert.deepEqual(scopesOfNew('pump-1', { iotEdge: true, deviceScope: PARENT }, '7'), {
    deviceScope: OWN,
  })
})

test('scopesOfNew: an edge child names its parent in parentScopes', () => {
  const scopes = scopesOfNew('pump-1', { iotEdge: true, parentScopes: [PARENT] }, '7')
  assert.deepEqual(scopes, { deviceScope: OWN, parentScopes: [PARENT] })
})

test('scopesOfNew: a leaf names its parent in deviceScope; parentScopes alone is ignored', () => {
  assert.deepEqual(scopesOfNew('a', { deviceScope: PARENT, parentScopes: ['x'] }, '7'), {
    deviceScope: PARENT,
    parentScopes: [PARENT],
  })
  assert.deepEqual(scopesOfNew('a', { parentScopes: [PARENT] }, '7'), {})
  assert.deepEqual(scopesOfNew('a', {}, '7'), {})
})

test('scopesOfUpdated: an edge device must repeat its own scope', () => {
  const update = (deviceScope?: string) =>
    scopesOfUpdated('pump-1', edge, {
      iotEdge: true,
      ...(deviceScope !== undefined && { deviceScope }),
    })
  assert.deepEqual(update(OWN), { deviceScope: OWN })
  for (const other of [undefined, '', PARENT]) {
    assert.throws(() => update(other), refuses(/^Device scope is immutable/))
  }
})

test('scopesOfUpdated: an empty or absent list detaches an edge child', () => {
  const child = { ...edge, parentScopes: [PARENT] }
  const write = { iotEdge: true, deviceScope: OWN }
  assert.deepEqual(scopesOfUpdated('pump-1', child, { ...write, parentScopes: [PARENT] }), child2())
  assert.deepEqual(scopesOfUpdated('pump-1', child, { ...write, parentScopes: [] }), {
    deviceScope: OWN,
  })
  assert.deepEqual(scopesOfUpdated('pump-1', child, write), { deviceScope: OWN })
})

function child2() {
  return { deviceScope: OWN, parentScopes: [PARENT] }
}

test('scopesOfUpdated: an empty or absent scope detaches a leaf', () => {
  const child = { ...leaf, deviceScope: PARENT, parentScopes: [PARENT] }
  const stays = scopesOfUpdated('a', child, { deviceScope: PARENT })
  assert.deepEqual(stays, { deviceScope: PARENT, parentScopes: [PARENT] })
  assert.deepEqual(scopesOfUpdated('a', child, { deviceScope: '' }), {})
  assert.deepEqual(scopesOfUpdated('a', child, { parentScopes: [PARENT] }), {})
})

test('scopesOfUpdated: a leaf becomes edge with an empty scope, and may keep its parent', () => {
  const write = { iotEdge: true, parentScopes: [PARENT] }
  assert.deepEqual(scopesOfUpdated('pump-1', leaf, write), {
    deviceScope: 'ms-azure-iot-edge://pump-1',
    parentScopes: [PARENT],
  })
  const withScope = { ...write, deviceScope: PARENT }
  assert.throws(() => scopesOfUpdated('pump-1', leaf, withScope), refuses(/empty deviceScope/))
})

test('scopesOfUpdated: edge to leaf loses scope and parent in that write', () => {
  const child = { ...edge, parentScopes: [PARENT] }
  const write = { deviceScope: OWN, parentScopes: [PARENT] }
  assert.deepEqual(scopesOfUpdated('pump-1', child, write), {})
})

test('what is no scope, and more than one parent, is refused', () => {
  for (const deviceScope of ['gateway', 'http://gateway', 'ms-azure-iot-edge://', `${PARENT}/x`]) {
    assert.throws(() => scopesOfNew('a', { deviceScope }, '7'), refuses(/deviceScope must be/))
  }
  const two = { iotEdge: true, parentScopes: [PARENT, OWN] }
  assert.throws(() => scopesOfNew('a', two, '7'), refuses(/one element/))
})

test('scopesOfRestored: an edge device keeps its own scope, and only its own', () => {
  const restore = (deviceScope: string) =>
    scopesOfRestored('pump-1', { iotEdge: true, deviceScope }, '9').deviceScope
  assert.equal(restore(OWN), OWN)
  assert.equal(restore('ms-azure-iot-edge://pump-1'), 'ms-azure-iot-edge://pump-1')
  for (const other of [PARENT, '', `${OWN}x`, 'ms-azure-iot-edge://pump-10-7']) {
    assert.equal(restore(other), 'ms-azure-iot-edge://pump-1-9')
  }
})
