import { findingStoreContract } from '../../../test/contracts/finding-store.ts'
import { MemoryFindingStore } from './finding-store.ts'

findingStoreContract(async () => new MemoryFindingStore())
