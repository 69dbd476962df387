import { baselineStoreContract } from '../../../test/contracts/baseline-store.ts'
import { prevalenceContract } from '../../../test/contracts/prevalence.ts'
import { MemoryFindingStore } from './finding-store.ts'

baselineStoreContract(async () => new MemoryFindingStore())
prevalenceContract(async () => new MemoryFindingStore())
