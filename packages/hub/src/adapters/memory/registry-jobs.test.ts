import { registryJobsContract } from '../../../test/contracts/registry-jobs.ts'
import { MemoryRegistryJobStore } from './registry-jobs.ts'

registryJobsContract(async () => new MemoryRegistryJobStore())
