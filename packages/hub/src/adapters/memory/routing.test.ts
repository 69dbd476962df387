import { routingStoreContract } from '../../../test/contracts/routing-store.ts'
import { MemoryRoutingStore } from './routing.ts'

routingStoreContract(async () => new MemoryRoutingStore())
