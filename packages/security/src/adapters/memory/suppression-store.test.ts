import { suppressionStoreContract } from '../../../test/contracts/suppression-store.ts'
import { MemorySuppressionStore } from './suppression-store.ts'

suppressionStoreContract(async () => new MemorySuppressionStore())
