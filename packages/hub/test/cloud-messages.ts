import { type CloudMessage, type DeviceRef, MAX_QUEUE_DEPTH } from '@twinward/protocol'
import { MemoryMessageQueue } from '../src/adapters/memory/message-queue.ts'
import { TestClock } from './clock.ts'
import { makeHub, type TestHub, type TestHubOptions } from './hub.ts'

export const PUMP: DeviceRef = { deviceId: 'pump-1' }
export const APP: DeviceRef = { deviceId: 'pump-1', moduleId: 'app' }

export interface World extends TestHub {
  readonly clock: TestClock
  readonly messageQueue: MemoryMessageQueue
}

/** A hub with a device and a module, on a clock of its own. */
export async function makeWorld(options: TestHubOptions = {}): Promise<World> {
  const clock = new TestClock()
  const messageQueue = new MemoryMessageQueue()
  const hub = makeHub({ clock, messageQueue, ...options })
  await hub.keyOf(APP)
  return { ...hub, clock, messageQueue }
}

export function message(parts: Partial<CloudMessage> = {}): CloudMessage {
  return { system: {}, ack: 'full', application: {}, body: Buffer.from('hello'), ...parts }
}

export function named(messageId: string): CloudMessage {
  return message({ system: { messageId } })
}

export async function receiveIds(hub: TestHub, ref = PUMP, limit = MAX_QUEUE_DEPTH) {
  return (await hub.cloudMessages.receive(ref, limit)).map(({ system }) => system.messageId)
}

export async function feedbackOf(hub: TestHub): Promise<readonly string[]> {
  const batch = await hub.feedback.receive()
  return (batch?.records ?? []).map((record) => `${record.originalMessageId} ${record.status}`)
}
