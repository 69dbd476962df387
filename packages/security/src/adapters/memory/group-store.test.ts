import { groupStoreContract } from '../../../test/contracts/group-store.ts'
import { MemoryGroupStore } from './group-store.ts'

groupStoreContract(async () => new MemoryGroupStore())
