import { consumerGroupStoreContract } from '../../../test/contracts/consumer-group-store.ts'
import { MemoryConsumerGroups } from './consumer-groups.ts'

consumerGroupStoreContract(async () => new MemoryConsumerGroups())
