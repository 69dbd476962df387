import { eventSchemaStoreContract } from '../../../test/contracts/event-schema-store.ts'
import { ingestionStoreContract } from '../../../test/contracts/ingestion-store.ts'
import { MemoryEventSchemaStore } from './event-schema-store.ts'
import { MemoryIngestionStore } from './ingestion-store.ts'

ingestionStoreContract(async () => new MemoryIngestionStore())
eventSchemaStoreContract(async () => new MemoryEventSchemaStore())
