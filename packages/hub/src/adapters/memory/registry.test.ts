import { registryContract } from '../../../test/contracts/registry.ts'
import { MemoryRegistry } from './registry.ts'

registryContract(async () => new MemoryRegistry())
