import { ipFilterStoreContract } from '../../../test/contracts/ip-filter-store.ts'
import { MemoryIpFilter } from './ip-filter.ts'

ipFilterStoreContract(async () => new MemoryIpFilter())
