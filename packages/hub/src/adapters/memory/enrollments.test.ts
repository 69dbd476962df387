import { enrollmentStoreContract } from '../../../test/contracts/enrollment-store.ts'
import { MemoryEnrollments } from './enrollments.ts'

enrollmentStoreContract(async () => new MemoryEnrollments())
