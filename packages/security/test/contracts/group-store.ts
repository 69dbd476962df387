import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_GROUP_SETTINGS } from '../../src/groups/group-settings.ts'
import type { GroupStore } from '../../src/groups/group-store.ts'
import { NO_RULES, type SecurityGroup } from '../../src/groups/security-group.ts'

/** What every GroupStore must do. Each adapter calls this with a way to open an empty one. */
export function groupStoreContract(open: () => Promise<GroupStore>): void {
  test('groups come back as they were stored, in the order of their names', async () => {
    const store = await open()
    assert.deepEqual(await store.all(), [])
    const odd = group(`'; DROP TABLE x; -- "ü" 火`, {
      settings: { ...DEFAULT_GROUP_SETTINGS, compat: 'legacy', buildUsers: ['a"b'] },
    })
    await store.put(group('west'))
    await store.put(odd)
    await store.put(group('east'))
    assert.deepEqual(await store.all(), [odd, group('east'), group('west')])
  })

  test('a group replaces the one with its name; removing nothing is no error', async () => {
    const store = await open()
    await store.put(group('west'))
    await store.put(group('west-2'))
    const changed = group('west', { version: 2, etag: 'b' })
    await store.put(changed)
    await store.remove('wes')
    assert.deepEqual(await store.all(), [changed, group('west-2')])
    await store.remove('west')
    assert.deepEqual(await store.all(), [group('west-2')])
  })

  test('more groups than are read at once come back whole', async () => {
    const store = await open()
    const names = Array.from({ length: 105 }, (_, at) => `group-${String(at).padStart(3, '0')}`)
    await Promise.all(names.toReversed().map((name) => store.put(group(name))))
    const all = await store.all()
    assert.deepEqual(
      all.map(({ name }) => name),
      names,
    )
  })
}

function group(name: string, changes: Partial<SecurityGroup> = {}): SecurityGroup {
  const settings = DEFAULT_GROUP_SETTINGS
  const change = { version: 1, etag: 'a', changedMs: 1_700_000_000_000, by: 'owner' }
  return { name, ...NO_RULES, settings, ...change, ...changes }
}
