import { messageQueueContract } from '../../../test/contracts/message-queue.ts'
import { MemoryMessageQueue } from './message-queue.ts'

messageQueueContract(async () => new MemoryMessageQueue())
