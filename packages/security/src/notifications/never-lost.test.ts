import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import { alert } from '../../test/contracts/findings.ts'
import { settle } from '../../test/fake-clock.ts'
import {
  addChannel,
  newNotificationWorld,
  startNotifications,
} from '../../test/notification-world.ts'
import { MAX_AGE_MS, MAX_PAUSE_MS } from './limits.ts'

const action = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('change' as const), id: fc.nat(4) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(100_000) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'fail' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'poison' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'work' as const }) },
)

test('over any failures and restarts each change arrives, is summed up, or is a dead letter; in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 30 }), fc.integer({ min: 0, max: 4 }), run),
    fuzzRuns(60),
  )
})

type Action = typeof action extends fc.Arbitrary<infer T> ? T : never

async function run(actions: readonly Action[], limit: number): Promise<void> {
  const world = newNotificationWorld()
  let notifications = await startNotifications(world)
  await addChannel(notifications, 'soar', { limit, windowSeconds: 30 })
  const transport = world.transports.get('soar')
  assert.ok(transport)
  const counts = new Map<string, number>()
  for (const step of actions) {
    switch (step.do) {
      case 'change': {
        const id = `alert-${step.id}`
        const count = (counts.get(id) ?? 0) + 1
        counts.set(id, count)
        await world.findings.commit({ alerts: [alert(id, { count })] })
        world.feed.wake()
        break
      }
      case 'wait':
        await world.clock.advance(step.ms)
        break
      case 'restart':
        // What the store holds is all that the next one knows.
        await notifications.close()
        notifications = await startNotifications(world)
        break
      case 'fail':
        transport.fail = () => ({ reason: 'HTTP 503' })
        break
      case 'poison':
        transport.fail = ({ number }) =>
          number % 2 === 0 ? { reason: 'HTTP 400', isPermanent: true } : undefined
        break
      case 'work':
        transport.fail = () => undefined
    }
    await settle()
  }
  transport.fail = () => undefined
  for (let passed = 0; passed < 4; passed++) await world.clock.advance(MAX_PAUSE_MS)
  const { items: dead } = await notifications.deadLetters({ limit: 1_000 })
  const [status] = notifications.status()
  await notifications.close()
  assert.equal(status?.waiting, 0)
  assert.equal(status?.missed, 0)
  const arrived = [...transport.delivered, ...dead.map(({ delivery }) => delivery)]
  const told = new Set<number>()
  for (const { body } of arrived) {
    if (body.event !== 'summary') told.add(Number(body.sequence))
    else for (let n = Number(body.firstSequence); n <= Number(body.lastSequence); n++) told.add(n)
  }
  const last = await world.findings.lastChange()
  for (let sequence = 1; sequence <= last; sequence++) {
    assert.ok(told.has(sequence), `change ${sequence} of ${last} is lost`)
  }
  checkOrder(transport.delivered)
  assert.ok(MAX_AGE_MS > 4 * MAX_PAUSE_MS)
}

/** Of one finding nothing arrives before what happened before. */
function checkOrder(delivered: readonly { orderKey: string; number: number }[]): void {
  const newest = new Map<string, number>()
  for (const { orderKey, number } of delivered) {
    assert.ok(number >= (newest.get(orderKey) ?? 0), `${orderKey}: ${number} came too late`)
    newest.set(orderKey, number)
  }
}
