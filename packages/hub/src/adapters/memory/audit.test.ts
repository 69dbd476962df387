import { auditStoreContract } from '../../../test/contracts/audit-store.ts'
import { MemoryAudit } from './audit.ts'

auditStoreContract(async () => new MemoryAudit())
