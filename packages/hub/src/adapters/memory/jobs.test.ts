import { jobStoreContract } from '../../../test/contracts/job-store.ts'
import { MemoryJobs } from './jobs.ts'

jobStoreContract(async () => new MemoryJobs())
