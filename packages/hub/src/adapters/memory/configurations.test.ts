import { configurationStoreContract } from '../../../test/contracts/configuration-store.ts'
import { MemoryConfigurationStore } from './configurations.ts'

configurationStoreContract(async () => new MemoryConfigurationStore())
