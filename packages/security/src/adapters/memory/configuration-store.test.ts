import { configurationStoreContract } from '../../../test/contracts/configuration-store.ts'
import { MemoryConfigurationStore } from './configuration-store.ts'

configurationStoreContract(async () => new MemoryConfigurationStore())
