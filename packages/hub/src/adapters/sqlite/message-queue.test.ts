import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { messageOf, messageQueueContract } from '../../../test/contracts/message-queue.ts'
import { SqliteMessageQueue } from './message-queue.ts'

const folder = mkdtempSync(join(tmpdir(), 'twinward-message-queue-'))
after(() => rmSync(folder, { recursive: true }))
let files = 0

messageQueueContract(() => open(newFile()))

test('open: messages, delivery counts and feedback are there again; no sequence returns', async () => {
  const file = newFile()
  const owner = { ref: { deviceId: 'pump-1' }, generationId: '638' }
  const first = await open(file)
  const kept = await first.append(messageOf(owner))
  const gone = await first.append(messageOf(owner))
  await first.setDeliveryCount(kept, 2)
  const feedback = { owner, originalMessageId: 'm-1', status: 'Success', timeMs: 7 } as const
  await first.remove([{ sequence: gone, feedback }])
  await first.close()

  const second = await open(file)
  const [head, ...others] = await second.heads(owner.ref, 10)
  assert.deepEqual([head?.sequence, head?.deliveryCount, others.length], [kept, 2, 0])
  assert.equal((await second.readFeedback(10, [])).length, 1)
  assert.ok((await second.append(messageOf(owner))) > gone)
  await second.close()
})

function newFile(): string {
  return join(folder, `${files++}.db`)
}

function open(file: string): Promise<SqliteMessageQueue> {
  const onFailure = (error: Error) => {
    throw error
  }
  return SqliteMessageQueue.open({ file, onFailure })
}
