import { eventLogContract } from '../../../test/contracts/event-log.ts'
import { MemoryEventLog } from './event-log.ts'

eventLogContract(async () => new MemoryEventLog())
