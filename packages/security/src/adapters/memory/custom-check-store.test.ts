import { customCheckStoreContract } from '../../../test/contracts/custom-check-store.ts'
import { MemoryCustomCheckStore } from './custom-check-store.ts'

customCheckStoreContract(async () => new MemoryCustomCheckStore())
