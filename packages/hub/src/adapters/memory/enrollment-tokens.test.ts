import { enrollmentTokensContract } from '../../../test/contracts/enrollment-tokens.ts'
import { MemoryEnrollmentTokens } from './enrollment-tokens.ts'

enrollmentTokensContract(async () => new MemoryEnrollmentTokens())
