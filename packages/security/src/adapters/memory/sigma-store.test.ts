import { sigmaStoreContract } from '../../../test/contracts/sigma-store.ts'
import { MemorySigmaStore } from './sigma-store.ts'

sigmaStoreContract(async () => new MemorySigmaStore())
