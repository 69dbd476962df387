import { moduleStoreContract } from '../../../test/contracts/module-store.ts'
import { MemoryModuleStore } from './module-store.ts'

moduleStoreContract(async () => new MemoryModuleStore())
